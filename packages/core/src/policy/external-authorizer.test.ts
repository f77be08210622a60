import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, connectionOf, EVERYTHING, requestOf, type Call } from '../testing/calls.ts';
import { resourcesOf } from '../testing/documents.ts';
import type { Resource } from '../index.ts';
import type { AuthorizerDemand } from './authorizer-demand.ts';

const MESH = `
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: {name: default, namespace: istio-system}
spec:
  extensionProviders:
  - {name: over-grpc, envoyExtAuthzGrpc: {service: authz.shop.svc, port: 9000}}
  - {name: over-http, envoyExtAuthzHttp: {service: authz.shop.svc, port: 8000}}
`;

function custom(name: string, provider: string, rule: string): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop}
spec: {action: CUSTOM, provider: {name: ${provider}}, rules: [${rule}]}
`;
}

function asked(documents: readonly string[]): {
  http(call: Call): AuthorizerDemand | undefined;
  tcp(): AuthorizerDemand | undefined;
} {
  const resources: Resource[] = documents.flatMap(resourcesOf);
  const policy = compile(resources, { capabilities: EVERYTHING });
  return {
    http: (call) => policy.forConnection(connectionOf(call)).demand(requestOf(call)),
    tcp: () => policy.forConnection(connectionOf({})).demandTcp(),
  };
}

const GET = '{to: [{operation: {methods: [GET]}}]}';
const POST = '{to: [{operation: {methods: [POST]}}]}';
const post: Call = { method: 'POST' };

function said(demand: AuthorizerDemand | undefined): string {
  if (demand === undefined) return 'nothing';
  return demand.kind === 'ask'
    ? `ask ${demand.provider.name} for ${demand.policy} ${demand.rule}`
    : `deny by ${demand.verdict.policy} ${demand.verdict.rule}`;
}

/** §1.6: what CUSTOM policies make of GET and POST, and of a connection that carries no HTTP. */
const cases: readonly [fact: string, documents: readonly string[], get: string, post: string, tcp: string][] = [
  ['no CUSTOM policy asks nobody', [MESH], 'nothing', 'nothing', 'nothing'],
  [
    'the provider is asked about what matches',
    [MESH, custom('a', 'over-grpc', GET)],
    'ask over-grpc for shop/a 0',
    'nothing',
    'ask over-grpc for shop/a 0',
  ],
  [
    'the first rule of the first policy that matches is named',
    [MESH, custom('b', 'over-grpc', GET), custom('a', 'over-grpc', `${POST}, ${GET}`)],
    'ask over-grpc for shop/a 1',
    'ask over-grpc for shop/a 0',
    'ask over-grpc for shop/a 0',
  ],
  [
    'a provider that speaks HTTP is not asked about anything else',
    [MESH, custom('a', 'over-http', GET)],
    'ask over-http for shop/a 0',
    'nothing',
    'nothing',
  ],
  [
    'an unknown provider denies what matches',
    [MESH, custom('a', 'nobody', GET)],
    'deny by shop/a 0',
    'nothing',
    'deny by shop/a 0',
  ],
  [
    'without a mesh configuration every provider is unknown',
    [custom('a', 'over-grpc', GET)],
    'deny by shop/a 0',
    'nothing',
    'deny by shop/a 0',
  ],
  [
    'two providers deny what either is to be asked about',
    [MESH, custom('a', 'over-grpc', GET), custom('b', 'over-http', POST)],
    'deny by shop/a 0',
    'deny by shop/b 0',
    'deny by shop/a 0',
  ],
  [
    'what CUSTOM asks of HTTP is left out where there is none',
    [MESH, custom('a', 'over-grpc', '{to: [{operation: {methods: [POST], ports: ["1"]}}]}')],
    'nothing',
    'nothing',
    'nothing',
  ],
];

for (const [fact, documents, get, posted, tcp] of cases) {
  test(fact, () => {
    for (const order of [documents, documents.toReversed()]) {
      const questions = asked(order);
      assert.deepEqual([questions.http({}), questions.http(post), questions.tcp()].map(said), [get, posted, tcp]);
    }
  });
}

test('CUSTOM can add a denial and never take one away', () => {
  const deny = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny, namespace: shop}
spec: {action: DENY, rules: [${GET}]}
`;
  const resources = [MESH, custom('a', 'over-grpc', '{}'), deny].flatMap(resourcesOf);
  const connection = compile(resources, { capabilities: EVERYTHING }).forConnection(connectionOf({}));
  assert.equal(connection.demand(requestOf({}))?.kind, 'ask');
  assert.equal(connection.evaluate(requestOf({})).policy, 'shop/deny');
  assert.equal(connection.evaluate(requestOf(post)).decision, 'ALLOW');
});

test('CUSTOM makes no default deny', () => {
  const resources = [MESH, custom('a', 'over-grpc', POST)].flatMap(resourcesOf);
  const connection = compile(resources, { capabilities: EVERYTHING }).forConnection(connectionOf({}));
  assert.equal(connection.admit(), undefined);
  assert.equal(connection.evaluate(requestOf({})).decision, 'ALLOW');
});

test('a denial for want of an authorizer says what is wrong', () => {
  const reasonOf = (documents: readonly string[]): string => {
    const demand = asked(documents).http({});
    return demand?.kind === 'deny' ? demand.verdict.reason : '';
  };
  assert.equal(
    reasonOf([MESH, custom('a', 'nobody', GET)]),
    'rules[0] of CUSTOM policy shop/a matched, but the mesh configuration has no extension provider nobody',
  );
  assert.equal(
    reasonOf([MESH, custom('a', 'over-grpc', GET), custom('b', 'over-http', POST)]),
    'rules[0] of CUSTOM policy shop/a matched, but the CUSTOM policies of a workload must name one provider, these name over-grpc, over-http',
  );
});

test('one frozen demand stands for every request that a rule asks about', () => {
  const { http } = asked([MESH, custom('a', 'over-grpc', GET)]);
  assert.equal(http({}), http({ path: '/other' }));
  assert.ok(Object.isFrozen(http({})));
});
