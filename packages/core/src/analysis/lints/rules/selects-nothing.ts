import { isAboutWorkloads } from '../../../policy/selection.ts';
import type { Resource } from '../../../resource/resource.ts';
import { type AnalyzedMesh, WORKLOADS_UNKNOWN } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const selectsNothing: Lint = {
  code: 'RAMP3001',
  name: 'selects-nothing',
  severity: 'warning',
  title: 'a policy is about no workload there is',
  find: (mesh) => {
    if (mesh.workloads === undefined) return { notChecked: WORKLOADS_UNKNOWN };
    return mesh.facts.resources
      .filter(isAboutWorkloads)
      .filter((resource) => mesh.selectedBy(resource)?.length === 0 && !isIgnored(resource, mesh))
      .map((resource) => {
        const field = resource.kind === 'NetworkPolicy' ? 'spec.podSelector' : 'spec.selector';
        return {
          resource,
          field,
          message: 'selects no workload that is known: check the namespace and the labels',
        };
      });
  },
};

/** RAMP3007 says why it is about nobody. */
function isIgnored({ kind, metadata, spec }: Resource, mesh: AnalyzedMesh): boolean {
  return kind === 'PeerAuthentication' && mesh.isRoot(metadata.namespace) && 'selector' in spec;
}
