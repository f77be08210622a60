import { qualifiedName, type PeerAuthentication } from '../../../resource/resource.ts';
import { byAge } from '../../../policy/selection.ts';
import type { Lint } from '../../lint/lint.ts';

export const overruledPeerAuthentication: Lint = {
  code: 'RAMP1006',
  name: 'overruled-peer-authentication',
  severity: 'warning',
  title: 'an older PeerAuthentication for the same workloads is in force instead',
  find: (mesh) => {
    const first = new Map<string, PeerAuthentication>();
    return mesh
      .ofKind('PeerAuthentication')
      .toSorted(byAge)
      .flatMap((resource) => {
        const scope = scopeOf(resource);
        const older = first.get(scope);
        if (older === undefined) {
          first.set(scope, resource);
          return [];
        }
        const message = `${qualifiedName(older)} is about the same workloads and is older, or first by name: that one alone is in force; remove one of them`;
        return [{ resource, field: 'metadata.name', message }];
      });
  },
};

/** Two of the same namespace and selector are about the same workloads; nothing of them is merged. */
function scopeOf({ metadata, spec }: PeerAuthentication): string {
  const labels = Object.entries(spec.selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metadata.namespace, labels]);
}
