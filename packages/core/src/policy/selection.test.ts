import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileWorkloadPolicy, parseResource, selects, type Resource } from '../index.ts';
import {
  ISSUER,
  meshConfig,
  namespace,
  network,
  peer,
  policy,
  serviceTokens,
  tokens,
} from '../testing/resource-json.ts';
import { byAge } from './selection.ts';

const ROOT = 'istio-system';
const WORKLOAD = { namespace: 'shop', serviceAccount: 'orders', labels: { app: 'orders', tier: 'back' } };
const ORDERS = { selector: { matchLabels: { app: 'orders' } } };
const WEB = { selector: { matchLabels: { app: 'web' } } };

function resource(json: Record<string, unknown>, metadata: object = {}): Resource {
  const parsed = parseResource({ ...json, metadata: { name: 'x', namespace: 'shop', ...metadata } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const authenticated = (spec: object): Record<string, unknown> => ({
  ...tokens(),
  spec: { jwtRules: [{ issuer: ISSUER }], ...spec },
});
const gateway = (kind: string): object => ({ targetRefs: [{ group: 'gateway.networking.k8s.io', kind, name: 'g' }] });
const service = { targetRefs: [{ kind: 'Service', name: 'orders' }] };

type Where = 'shop' | 'istio-system' | 'web';
const cases: readonly (readonly [fact: string, json: Record<string, unknown>, where: readonly Where[]])[] = [
  // Policies of the root namespace and of the workload's own; those of others never.
  ['an AuthorizationPolicy without selector', policy({}), ['shop', ROOT]],
  ['an AuthorizationPolicy with an empty selector', policy({ selector: {} }), ['shop', ROOT]],
  ['an AuthorizationPolicy that selects it, in the root namespace too', policy(ORDERS), ['shop', ROOT]],
  ['an AuthorizationPolicy that selects another', policy(WEB), []],
  [
    'an AuthorizationPolicy with one label too many',
    policy({ selector: { matchLabels: { app: 'orders', tier: 'front' } } }),
    [],
  ],
  [
    'an AuthorizationPolicy with both its labels',
    policy({ selector: { matchLabels: WORKLOAD.labels } }),
    ['shop', ROOT],
  ],
  ['a RequestAuthentication without selector', authenticated({}), ['shop', ROOT]],
  ['a RequestAuthentication that selects it', authenticated(ORDERS), ['shop', ROOT]],
  ['a RequestAuthentication that selects another', authenticated(WEB), []],
  ['a ServiceTokenPolicy that selects it', serviceTokens(ORDERS), ['shop', ROOT]],
  ['a ServiceTokenPolicy that selects another', serviceTokens(WEB), []],
  // A PeerAuthentication with a selector counts in its own namespace only.
  ['a PeerAuthentication without selector', peer({}), ['shop', ROOT]],
  ['a PeerAuthentication with an empty selector', peer({ selector: { matchLabels: {} } }), ['shop', ROOT]],
  ['a PeerAuthentication that selects it, not in the root namespace', peer(ORDERS), ['shop']],
  ['a PeerAuthentication that selects another', peer(WEB), []],
  // A NetworkPolicy is about the pods of its namespace; the root namespace is one like others.
  ['a NetworkPolicy of every pod', network({ podSelector: {} }), ['shop']],
  ['a NetworkPolicy without podSelector', network({}), ['shop']],
  ['a NetworkPolicy that selects it', network({ podSelector: ORDERS.selector }), ['shop']],
  [
    'a NetworkPolicy that selects it by expressions',
    network({
      podSelector: {
        matchLabels: { tier: 'back' },
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['orders', 'web'] },
          { key: 'app', operator: 'NotIn', values: ['web'] },
          { key: 'old', operator: 'DoesNotExist' },
          { key: 'tier', operator: 'Exists' },
        ],
      },
    }),
    ['shop'],
  ],
  [
    'a NetworkPolicy of which one expression fails',
    network({ podSelector: { ...ORDERS.selector, matchExpressions: [{ key: 'old', operator: 'Exists' }] } }),
    [],
  ],
  // Attached policies.
  ['an AuthorizationPolicy of a gateway', policy(gateway('Gateway')), []],
  ['an AuthorizationPolicy of a class of gateways', policy(gateway('GatewayClass')), []],
  ['a RequestAuthentication of a gateway', authenticated(gateway('Gateway')), []],
  ['an AuthorizationPolicy of a service, in its own namespace only', policy(service), ['shop']],
  ['a RequestAuthentication of a service, in its own namespace only', authenticated(service), ['shop']],
];

for (const [fact, json, where] of cases) {
  test(`about a workload: ${fact}: ${where.join(' and ') || 'nowhere'}`, () => {
    const found = (['shop', ROOT, 'web'] as const).filter((from) =>
      selects(resource(json, { namespace: from }), WORKLOAD, ROOT),
    );
    assert.deepEqual(found, where);
  });
}

test('a Namespace and the MeshConfig are about no one workload', () => {
  assert.equal(selects(resource(namespace({}), { namespace: '' }), WORKLOAD, ROOT), false);
  const config = resource(meshConfig({}), { name: 'default', namespace: ROOT });
  assert.equal(selects(config, { ...WORKLOAD, namespace: ROOT }, ROOT), false);
});

test('oldest first, those without a date before all, then by name, then by namespace', () => {
  const made = (name: string, where: string, at?: string): Resource =>
    resource(policy({}), { name, namespace: where, ...(at === undefined ? {} : { creationTimestamp: at }) });
  const early = '2026-01-01T00:00:00Z';
  const late = '2026-01-02T00:00:00Z';
  const ordered = [
    made('z', 'z'),
    made('a', 'a', early),
    made('a', 'b', early),
    made('b', 'a', early),
    made('a', 'a', late),
  ];
  assert.deepEqual(ordered.toReversed().toSorted(byAge), ordered);
});

function decisionUnder(...resources: readonly Resource[]): readonly [decision: string, reason: string] {
  const compiled = compileWorkloadPolicy({
    workload: WORKLOAD,
    resources,
    rootNamespace: ROOT,
    trustDomain: 'cluster.local',
  });
  const connection = {
    principal: undefined,
    sourceIp: '10.0.0.1',
    destinationIp: '10.0.0.2',
    destinationPort: 80,
    sni: '',
  };
  const { decision, reason } = compiled.forConnection(connection).evaluateTcp();
  return [decision, reason];
}

test('a policy that is attached to a service denies everything there, by name; one of a gateway is left to the gateway', () => {
  const [decision, reason] = decisionUnder(resource(policy({ ...service, rules: [{}] })));
  assert.equal(decision, 'DENY');
  assert.match(
    reason,
    /^AuthorizationPolicy shop\/x cannot be enforced here, .*spec\.targetRefs needs authorization\.target-refs$/,
  );
  assert.equal(decisionUnder(resource(policy({ ...gateway('Gateway'), rules: [{}] })))[0], 'ALLOW');
  assert.equal(decisionUnder(resource(policy({ ...service, rules: [{}] }), { namespace: ROOT }))[0], 'ALLOW');
});
