import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const noDefaultDeny: Lint = {
  code: 'RAMP2002',
  name: 'no-default-deny',
  severity: 'warning',
  title: 'a namespace has no policy that denies what nobody allowed',
  find: (mesh) =>
    mesh
      .namespaces()
      .filter((name) => !isClosed(name, mesh))
      .map((name) => {
        const resource = mesh.namespace(name);
        const message = `namespace ${name} has no default deny: a workload that no ALLOW policy selects is open to everybody. Add an AuthorizationPolicy without selector and rules (spec: {})`;
        return resource === undefined ? { message } : { message, resource };
      }),
};

/** An enforced ALLOW policy without selector turns the default of every workload in its reach into DENY. */
function isClosed(namespace: string, mesh: AnalyzedMesh): boolean {
  return mesh.enforced.some(
    ({ metadata, spec }) =>
      spec.action === 'ALLOW' &&
      spec.targetRefs === undefined &&
      Object.keys(spec.selector?.matchLabels ?? {}).length === 0 &&
      (metadata.namespace === namespace || mesh.isRoot(metadata.namespace)),
  );
}
