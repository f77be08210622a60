import { selects } from '../../../policy/selection.ts';
import { WORKLOADS_UNKNOWN } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const serviceWithoutPolicy: Lint = {
  code: 'RAMP2003',
  name: 'service-without-policy',
  severity: 'warning',
  title: 'no policy says who may call a service',
  find: (mesh) => {
    if (mesh.workloads === undefined) return { notChecked: WORKLOADS_UNKNOWN };
    const deciding = mesh.enforced.filter(({ spec }) => spec.action !== 'AUDIT');
    const open = mesh.workloads.filter(
      (workload) => !deciding.some((policy) => selects(policy, workload, mesh.facts.rootNamespace)),
    );
    const services = open.flatMap(({ service }) =>
      service === undefined ? [] : [`${service.name}.${service.namespace}`],
    );
    return [...new Set(services)].sort().map((service) => ({
      message: `no AuthorizationPolicy is about service ${service}: everybody who reaches it may do anything`,
    }));
  },
};
