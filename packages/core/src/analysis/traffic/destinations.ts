import type { VirtualService } from '../../resource/resource.ts';
import type { Destination } from '../../resource/traffic/destination.ts';
import { serviceOfHost } from '../../traffic/host.ts';
import { refused, unsupported, warned, type TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';

/** What is to be said of where a rule sends requests. */
export function reviewDestinations(rule: VirtualService, known: KnownHosts): TrafficFinding[] {
  return destinationsOf(rule).flatMap(([field, destination]) => {
    const { namespace } = rule.metadata;
    const whole = known.whole(destination.host, namespace);
    const absent = absence(`${field}.host`, whole, { known, namespace });
    const subset = missingSubset(field, { destination, whole, namespace }, known);
    return [absent, subset].filter((finding) => finding !== undefined);
  });
}

/** By the field of each. */
function destinationsOf({ spec: { http = [], tcp = [] } }: VirtualService): (readonly [string, Destination])[] {
  const routed = (kind: string, routes: readonly { readonly route?: readonly { destination: Destination }[] }[]) =>
    routes.flatMap(({ route = [] }, index) =>
      route.map(
        ({ destination }, place) => [`spec.${kind}[${index}].route[${place}].destination`, destination] as const,
      ),
    );
  const copies = http.flatMap(({ mirrors = [] }, index) =>
    mirrors.map(
      ({ destination }, place) => [`spec.http[${index}].mirrors[${place}].destination`, destination] as const,
    ),
  );
  return [...routed('http', http), ...copies, ...routed('tcp', tcp)];
}

function absence(
  field: string,
  whole: string,
  { known, namespace }: { readonly known: KnownHosts; readonly namespace: string },
): TrafficFinding | undefined {
  if (known.isOutside(whole, namespace)) {
    return unsupported(field, `${whole} is outside the mesh: requests are routed among services of the mesh only`);
  }
  if (known.isService(whole)) return undefined;
  const service = serviceOfHost(whole);
  if (service === undefined) return refused(field, `${whole} is no service of the mesh`);
  return warned(field, `no instance of service ${service.name} of namespace ${service.namespace} has registered yet`);
}

interface Sent {
  readonly destination: Destination;
  readonly whole: string;
  readonly namespace: string;
}

/** Every request would be answered 503 (istioctl analyze: ReferencedResourceNotFound). */
function missingSubset(
  field: string,
  { destination, whole, namespace }: Sent,
  known: KnownHosts,
): TrafficFinding | undefined {
  const { subset } = destination;
  if (subset === undefined) return undefined;
  const defined = known.destinationRules(whole, namespace).flatMap(({ spec }) => spec.subsets ?? []);
  if (defined.some(({ name }) => name === subset)) return undefined;
  const names = [...new Set(defined.map(({ name }) => name))];
  const hint = names.length === 0 ? 'apply one that does first, or in this document' : `it has ${names.join(', ')}`;
  return refused(`${field}.subset`, `no DestinationRule of ${whole} defines subset ${JSON.stringify(subset)}: ${hint}`);
}
