import { type LintCase, workload } from './lints.ts';

const routed = (subset: string): string =>
  `VirtualService shop/orders {hosts: [orders], http: [{route: [{destination: {host: orders, subset: ${subset}}}]}]}`;
const SUBSETS = 'DestinationRule shop/orders {host: orders, subsets: [{name: v1}]}';

export const TRAFFIC_CASES: readonly LintCase[] = [
  {
    code: 'RAMP3001',
    fires: 'AuthorizationPolicy shop/one {selector: {matchLabels: {app: gone}}}',
    says: /selects no workload that is known/,
    field: 'spec.selector',
    silent: SUBSETS,
    options: { workloads: [workload('shop/web')] },
  },
  {
    code: 'RAMP4003',
    fires: 'Namespace production',
    says: /no NetworkPolicy of namespace production has the policy type Egress/,
    silent: 'Namespace production\nMeshConfig istio-system/default {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}',
  },
  {
    code: 'RAMP5001',
    fires: `${routed('v2')}\n${SUBSETS}`,
    says: /defines subset "v2": it has v1/,
    field: 'spec.http[0].route[0].destination.subset',
    silent: `${routed('v1')}\n${SUBSETS}`,
  },
  {
    code: 'RAMP5002',
    fires: SUBSETS,
    says: /no instance of service orders of namespace shop has registered yet/,
    field: 'spec.host',
    silent: SUBSETS,
    options: { workloads: [workload('shop/web')] },
    silentOptions: { workloads: [workload('shop/orders')] },
  },
];
