import type { Lint } from '../../lint/lint.ts';

export const permissivePort: Lint = {
  code: 'RAMP1002',
  name: 'permissive-port',
  severity: 'warning',
  title: 'a single port takes plaintext',
  find: (mesh) =>
    mesh.ofKind('PeerAuthentication').flatMap((resource) =>
      Object.entries(resource.spec.portLevelMtls ?? {})
        .filter(([, { mode }]) => mode === 'PERMISSIVE' || mode === 'DISABLE')
        .map(([port, { mode }]) => ({
          resource,
          field: `spec.portLevelMtls["${port}"].mode`,
          message: `${mode} lets plaintext in on port ${port}: anybody who reaches it is a caller without identity; keep it only for what must be reachable without the mesh`,
        })),
    ),
};
