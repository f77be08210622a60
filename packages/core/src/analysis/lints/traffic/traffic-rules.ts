import { isTraffic } from '../../../traffic/visibility.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';
import { tolerated, type TrafficFinding } from '../../traffic/finding.ts';
import { TrafficReview } from '../../traffic/review.ts';

export const trafficRuleBroken: Lint = {
  code: 'RAMP5001',
  name: 'traffic-rule-broken',
  severity: 'error',
  title: 'a rule about calls names what is not there, contradicts another, or says more than it may',
  find: (mesh) => sightings(mesh, 'error'),
};

export const trafficRuleDoubtful: Lint = {
  code: 'RAMP5002',
  name: 'traffic-rule-doubtful',
  severity: 'warning',
  title: 'a rule about calls has no effect, or most likely another one than was meant',
  find: (mesh) => sightings(mesh, 'warning'),
};

/** Where nobody knows which services there are, each that is named is taken for one. */
function sightings(mesh: AnalyzedMesh, severity: TrafficFinding['severity']): Sighting[] {
  const { resources, rootNamespace } = mesh.facts;
  const services = mesh.workloads?.map(({ service }) => `${service?.namespace}/${service?.name}`);
  const known = services === undefined ? undefined : new Set(services);
  const review = new TrafficReview({
    resources,
    rootNamespace,
    isRegistered: ({ name, namespace }) => known?.has(`${namespace}/${name}`) ?? true,
    servedPorts: () => new Set(),
  });
  return resources.filter(isTraffic).flatMap((resource) =>
    review
      .of(resource)
      // Files are looked at before services start, too.
      .map(tolerated)
      .filter((finding) => finding.severity === severity)
      .map(({ field, message }) => ({ resource, field, message })),
  );
}
