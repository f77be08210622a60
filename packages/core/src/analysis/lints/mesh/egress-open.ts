import type { EgressRule } from '../../../resource/network-policy/spec.ts';
import type { NetworkPolicy } from '../../../resource/resource.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';

export const egressOpen: Lint = {
  code: 'RAMP4003',
  name: 'egress-open',
  severity: 'warning',
  title: 'nothing says where the workloads of a namespace may connect to',
  find: (mesh) => {
    const policies = mesh.ofKind('NetworkPolicy').filter(({ spec }) => spec.policyTypes.includes('Egress'));
    // Where hosts outside must be known, what leaves the mesh is under control without NetworkPolicies.
    const left = mesh.settings.outbound === 'REGISTRY_ONLY' ? [] : uncontrolled(mesh, policies);
    return [...left, ...policies.flatMap(openRules)];
  },
};

/** Namespaces without a policy for what goes out, and workloads that none of their namespace's policies selects. */
function uncontrolled(mesh: AnalyzedMesh, policies: readonly NetworkPolicy[]): readonly Sighting[] {
  const { workloads = [] } = mesh;
  return [...new Set([...mesh.namespaces(), ...workloads.map(({ namespace }) => namespace)])]
    .filter((name) => !mesh.isRoot(name))
    .toSorted()
    .filter((name) => mesh.isProduction(name) || workloads.some(({ namespace }) => namespace === name))
    .flatMap((name): Sighting[] => {
      const resource = mesh.namespace(name);
      const about = resource === undefined ? {} : { resource };
      const risk = 'a workload that is taken over can send data anywhere';
      const own = policies.filter(({ metadata }) => metadata.namespace === name);
      if (own.length === 0) {
        const message = `no NetworkPolicy of namespace ${name} has the policy type Egress: ${risk}`;
        return [{ ...about, message }];
      }
      const selected = new Set(own.flatMap((policy) => mesh.selectedBy(policy) ?? []));
      const left = workloads.filter((one) => one.namespace === name && !selected.has(one));
      const names = [...new Set(left.map(({ serviceAccount }) => serviceAccount))].sort();
      if (names.length === 0) return [];
      return [
        { ...about, message: `no NetworkPolicy with Egress selects ${names.join(', ')} of namespace ${name}: ${risk}` },
      ];
    });
}

/** Rules that let everything out turn the policy into a sign that says nothing. */
function openRules(resource: NetworkPolicy): readonly Sighting[] {
  return (resource.spec.egress ?? []).flatMap((rule, index) =>
    letsAllOut(rule)
      ? [{ resource, field: `spec.egress[${index}]`, message: 'lets everything out: name where to, or on which ports' }]
      : [],
  );
}

function letsAllOut({ to = [], ports = [] }: EgressRule): boolean {
  const everywhere = to.some(
    ({ ipBlock }) => ipBlock?.cidr.endsWith('/0') === true && (ipBlock.except ?? []).length === 0,
  );
  return ports.length === 0 && (to.length === 0 || everywhere);
}
