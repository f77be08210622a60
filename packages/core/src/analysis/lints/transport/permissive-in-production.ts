import { policyFor } from '../../../policy/question.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';

export const permissiveInProduction: Lint = {
  code: 'RAMP1001',
  name: 'permissive-in-production',
  severity: 'error',
  title: 'a namespace of production takes plaintext',
  find: (mesh) =>
    mesh
      .namespaces()
      .filter((name) => mesh.isProduction(name))
      .flatMap((name) => sightings(name, mesh)),
};

/** Blames the policy that lets plaintext in, the namespace itself where none says anything. */
function sightings(namespace: string, mesh: AnalyzedMesh): readonly Sighting[] {
  const found: Sighting[] = [];
  const own = mesh.ofKind('PeerAuthentication').filter(({ metadata }) => metadata.namespace === namespace);
  for (const resource of own) {
    const mode = resource.spec.mtls?.mode;
    if (mode === 'PERMISSIVE' || mode === 'DISABLE') {
      found.push({ resource, field: 'spec.mtls.mode', message: messageFor(mode, namespace) });
    }
  }
  const { mode, scope } = policyFor({ namespace, serviceAccount: '', labels: {} }, mesh.facts).tlsMode(0);
  if (mode === 'STRICT' || scope === 'namespace') return found;
  const resource = mesh.namespace(namespace);
  return [...found, { message: messageFor(mode, namespace), ...(resource === undefined ? {} : { resource }) }];
}

function messageFor(mode: string, namespace: string): string {
  return `${mode} lets plaintext into namespace ${namespace}, which is production: set mtls.mode STRICT`;
}
