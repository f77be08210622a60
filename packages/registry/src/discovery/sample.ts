import type { CheckStatus } from '../health/check.ts';
import { stateOf, type Standing } from '../health/instance-state.ts';
import type { Instance } from '../store.ts';
import type { DiscoveredInstance } from './discovery.ts';

/** An instance for tests, with one check that says what is asked for. */
export function discovered(
  values: Partial<Instance> = {},
  status: CheckStatus = 'passing',
  standing: Standing = { draining: false },
): DiscoveredInstance {
  const checks = status === 'passing' ? [] : [{ checkId: 'c', name: 'c', status, output: '', changedAt: 0 }];
  return {
    instanceId: 'i',
    service: 'a',
    namespace: 'default',
    identity: 'spiffe://cluster.local/ns/default/sa/a',
    owner: 'spiffe://cluster.local/ns/default/sa/a',
    host: '10.0.0.1',
    port: 80,
    protocol: 'http',
    labels: {},
    tags: [],
    metadata: {},
    weights: { passing: 1, warning: 1 },
    checks: [],
    registeredAt: 0,
    ...values,
    state: stateOf(standing, checks),
  };
}
