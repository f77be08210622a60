import type { Lint } from '../../lint/lint.ts';

export const egressOpen: Lint = {
  code: 'RAMP4003',
  name: 'egress-open',
  severity: 'warning',
  title: 'nothing says where the workloads of a namespace may connect to',
  find: (mesh) =>
    mesh
      .namespaces()
      .filter((name) => mesh.isProduction(name) || (mesh.workloads ?? []).some(({ namespace }) => namespace === name))
      .filter(
        (name) =>
          !mesh
            .ofKind('NetworkPolicy')
            .some(({ metadata, spec }) => metadata.namespace === name && spec.policyTypes.includes('Egress')),
      )
      .map((name) => {
        const resource = mesh.namespace(name);
        const message = `no NetworkPolicy of namespace ${name} has the policy type Egress: a workload that is taken over can send data anywhere`;
        return resource === undefined ? { message } : { message, resource };
      }),
};
