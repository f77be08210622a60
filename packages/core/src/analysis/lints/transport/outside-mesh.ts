import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';

export const outsideMesh: Lint = {
  code: 'RAMP1005',
  name: 'outside-mesh',
  severity: 'error',
  title: 'a namespace or workload is kept out of the mesh',
  find: (mesh) => [...namespaces(mesh), ...workloads(mesh)],
};

/** Labels that turn Istio's injection off for a namespace. */
function namespaces(mesh: AnalyzedMesh): readonly Sighting[] {
  return mesh
    .ofKind('Namespace')
    .filter(({ metadata }) => metadata.labels['istio-injection'] === 'disabled')
    .map((resource) => ({
      resource,
      field: 'metadata.labels["istio-injection"]',
      message: `istio-injection: disabled keeps namespace ${resource.metadata.name} out of the mesh: nothing there has an identity and no policy is enforced`,
    }));
}

/** The label that turns it off for a workload, most often "for performance". */
function workloads(mesh: AnalyzedMesh): readonly Sighting[] {
  const without = (mesh.workloads ?? []).filter(({ labels }) => labels['sidecar.istio.io/inject'] === 'false');
  return [...new Set(without.map(({ principal }) => principal))].map((principal) => ({
    message: `workload ${principal} has the label sidecar.istio.io/inject: "false": what it bypasses, no policy protects`,
  }));
}
