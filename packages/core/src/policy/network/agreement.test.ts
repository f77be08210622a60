import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileWorkloadPolicy, parseResource, type NetworkPeerFacts, type NetworkPolicy } from '../../index.ts';
import { naiveNetwork, type NetworkAttempt } from '../../testing/naive-network.ts';

const OWN = { namespace: 'shop', serviceAccount: 'orders', labels: { app: 'orders', 'port.rampart.dev/web': '80' } };

const labels = fc.constantFrom<Record<string, string>>(
  {},
  { app: 'orders' },
  { app: 'web', tier: 'a' },
  { tier: 'b' },
  { 'port.rampart.dev/web': '81' },
);
const expression = fc.oneof(
  fc.record({ key: fc.constantFrom('app', 'tier'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({
    key: fc.constantFrom('app', 'tier'),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.subarray(['orders', 'web', 'a'], { minLength: 1 }),
  }),
);
const selector = fc.record(
  {
    matchLabels: fc.constantFrom<Record<string, string>>({}, { app: 'orders' }, { app: 'web' }, { tier: 'a' }),
    matchExpressions: fc.array(expression, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const block = fc.constantFrom(
  { cidr: '10.0.0.0/8' },
  { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
  { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '192.168.0.0/16'] },
  { cidr: '192.168.0.1/32' },
);
const peer = fc.oneof(
  block.map((ipBlock) => ({ ipBlock })),
  selector.map((podSelector) => ({ podSelector })),
  selector.map((namespaceSelector) => ({ namespaceSelector })),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
);
const port = fc.oneof(
  fc.record({ port: fc.constantFrom<number | string>(80, 81, 443, 'web') }),
  fc.record({ protocol: fc.constantFrom('TCP', 'UDP') }),
  fc.record({ protocol: fc.constantFrom('TCP', 'SCTP'), port: fc.constantFrom(80, 443) }),
  fc.constant({ port: 80, endPort: 90 }),
);
const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 2 });
const spec = fc.record(
  {
    podSelector: selector,
    policyTypes: fc.subarray(['Ingress', 'Egress']),
    ingress: some(fc.record({ from: some(peer), ports: some(port) }, { requiredKeys: [] })),
    egress: some(fc.record({ to: some(peer), ports: some(port) }, { requiredKeys: [] })),
  },
  { requiredKeys: ['podSelector'] },
);
const policies: fc.Arbitrary<NetworkPolicy[]> = fc
  .array(fc.tuple(spec, fc.constantFrom('shop', 'shop', 'web')), { maxLength: 3 })
  .map((drafts) =>
    drafts.map(([draft, namespace], index) => {
      const metadata = { name: `policy-${index}`, namespace };
      const parsed = parseResource({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata,
        spec: draft,
      });
      assert.ok(parsed.ok && parsed.value.kind === 'NetworkPolicy', JSON.stringify(parsed));
      return parsed.value;
    }),
  );

const ip = fc.constantFrom('10.0.0.1', '10.1.0.1', '192.168.0.1', '8.8.8.8', '');
const facts: fc.Arbitrary<NetworkPeerFacts> = fc.oneof(
  ip.map((address) => ({ ip: address })),
  fc.record({ ip, namespace: fc.constantFrom('shop', 'web'), labels, namespaceLabels: labels }),
);
const attempts: fc.Arbitrary<NetworkAttempt> = fc.record({
  direction: fc.constantFrom('Ingress', 'Egress'),
  peer: facts,
  port: fc.constantFrom(80, 81, 85, 443),
});

function passes(held: readonly NetworkPolicy[], { direction, peer: other, port: number }: NetworkAttempt): boolean {
  const { network } = compileWorkloadPolicy({
    workload: OWN,
    resources: held,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  });
  return (direction === 'Ingress' ? network.admit(other, number) : network.dial(other, number)) === undefined;
}

const RUNS = { numRuns: 20_000 };

test('the compiled rules let through what a plain reading of the policies lets through', () => {
  const seen = { passed: 0, refused: 0 };
  fc.assert(
    fc.property(policies, attempts, (held, attempt) => {
      const expected = naiveNetwork(held, OWN, attempt);
      seen[expected ? 'passed' : 'refused'] += 1;
      assert.equal(passes(held, attempt), expected);
    }),
    RUNS,
  );
  assert.ok(seen.passed > RUNS.numRuns / 10 && seen.refused > RUNS.numRuns / 10, JSON.stringify(seen));
});

test('the order of policies has no part in it', () => {
  fc.assert(
    fc.property(policies, attempts, (held, attempt) => {
      assert.equal(passes(held.toReversed(), attempt), passes(held, attempt));
    }),
    { numRuns: 2000 },
  );
});

test('another policy that is about the workload and isolates it already never takes away what passed', () => {
  fc.assert(
    fc.property(policies, attempts, (held, attempt) => {
      const [first, ...rest] = held;
      if (first === undefined || rest.length === 0 || !passes(rest, attempt)) return;
      const isolated = rest.some(
        ({ metadata, spec: { podSelector, policyTypes } }) =>
          metadata.namespace === OWN.namespace &&
          policyTypes.includes(attempt.direction) &&
          Object.keys(podSelector).length === 0,
      );
      if (isolated) assert.ok(passes(held, attempt));
    }),
    { numRuns: 2000 },
  );
});
