import type { DiscoveredInstance } from '@rampart/registry';
import type { Item } from '../filter/filter.ts';
import { checksOf } from './check.ts';
import { nodeFields } from './node.ts';
import { agentServiceFields, catalogServiceFields, serviceFields } from './service.ts';

/** An instance with everything that an instance can have; its maps are empty, because their keys are the caller's choice. */
const EVERYTHING: DiscoveredInstance = {
  instanceId: 'web',
  service: 'web',
  namespace: 'shop',
  identity: '',
  owner: '',
  host: '10.0.0.1',
  port: 80,
  protocol: 'http',
  labels: {},
  tags: ['v1'],
  metadata: {},
  weights: { passing: 1, warning: 1 },
  locality: { region: 'eu', zone: 'eu-1' },
  checks: [],
  registeredAt: 0,
  state: { draining: true, checks: [], health: 'critical' },
};
const MODEL = { datacenter: 'dc1', namespace: 'default' };

const NODE: Item = { ...nodeFields(EVERYTHING, { ...MODEL, index: 1 }), TaggedAddresses: {}, Meta: {} };
const SERVICE: Item = { ...serviceFields(EVERYTHING, 1, MODEL), TaggedAddresses: {} };
const CHECKS: Item = checksOf(EVERYTHING, 1);

/** What items of each kind of answer have, for filters. */
export const SHAPES: Readonly<
  Record<'node' | 'service' | 'agentService' | 'catalogService' | 'check' | 'entry' | 'summary', Item>
> = {
  node: NODE,
  service: SERVICE,
  agentService: { ...agentServiceFields(EVERYTHING, MODEL), TaggedAddresses: {} },
  catalogService: {
    ...catalogServiceFields(EVERYTHING, 1, MODEL),
    TaggedAddresses: {},
    NodeMeta: {},
    ServiceTaggedAddresses: {},
  },
  check: checksOf(EVERYTHING, 1)[0] ?? {},
  entry: { Node: NODE, Service: SERVICE, Checks: CHECKS },
  summary: { ServiceName: '', ServiceTags: [''] },
};
