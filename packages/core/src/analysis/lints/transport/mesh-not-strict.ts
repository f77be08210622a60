import { byAge } from '../../../policy/selection.ts';
import type { Lint } from '../../lint/lint.ts';

export const meshNotStrict: Lint = {
  code: 'RAMP1003',
  name: 'mesh-not-strict',
  severity: 'warning',
  title: 'the mesh as a whole does not ask for mutual TLS',
  find: (mesh) => {
    const wide = mesh
      .ofKind('PeerAuthentication')
      .filter(
        ({ metadata, spec }) =>
          mesh.isRoot(metadata.namespace) && Object.keys(spec.selector?.matchLabels ?? {}).length === 0,
      )
      .toSorted(byAge);
    // Of several, the oldest is in force.
    const [resource] = wide;
    if (resource?.spec.mtls?.mode === 'STRICT') return [];
    const { rootNamespace } = mesh.facts;
    const message = `no PeerAuthentication of namespace ${rootNamespace} sets mtls.mode STRICT for the whole mesh, so plaintext comes in wherever nothing else is said`;
    return resource === undefined ? [{ message }] : [{ resource, field: 'spec', message }];
  },
};
