import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeQuestion, type Question, type Resource } from '../index.ts';
import { peerAuthenticationOf, policyOf, resourcesOf } from '../testing/documents.ts';

const QUESTION: Question = {
  from: 'cluster.local/ns/web/sa/frontend',
  to: {
    namespace: 'shop',
    serviceAccount: 'orders',
    labels: { app: 'orders' },
    service: { name: 'orders', namespace: 'shop' },
    port: 0,
  },
  method: 'GET',
  path: '/',
  host: '',
  headers: {},
  sourceIp: '',
};
const CERTIFICATE = 'By=spiffe://cluster.local/ns/shop/sa/orders;URI=spiffe://cluster.local/ns/web/sa/frontend';
const MESH = { rootNamespace: 'istio-system', trustDomain: 'cluster.local' };

const cases: readonly [fact: string, rules: string, question: Partial<Question>, expected: 'ALLOW' | 'DENY'][] = [
  ['a port left open is 80', '- to: [{operation: {ports: ["80"]}}]', {}, 'ALLOW'],
  ['a host left open is that of the service', '- to: [{operation: {hosts: [orders.shop]}}]', {}, 'ALLOW'],
  [
    'an address left open is loopback, of the client too',
    '- from: [{source: {ipBlocks: ["127.0.0.0/8"]}}]',
    {},
    'ALLOW',
  ],
  ['the query is not part of the path', '- to: [{operation: {paths: [/orders]}}]', { path: '/orders?x=1' }, 'ALLOW'],
  [
    'a path is judged as the data plane would judge it',
    '- to: [{operation: {paths: [/admin]}}]',
    { path: '/x/../%61dmin' },
    'ALLOW',
  ],
  [
    'the pseudo header of the path is normalised, and has its query',
    '- when: [{key: "request.headers[:path]", values: ["/admin?a=%41"]}]',
    { path: '/x/../%61dmin?a=%41' },
    'ALLOW',
  ],
  [
    'the header Host is the authority',
    '- when: [{key: "request.headers[Host]", values: [shop.example.com]}]',
    { host: 'shop.example.com' },
    'ALLOW',
  ],
  ['no identity matches no principal', '- from: [{source: {principals: ["*"]}}]', { from: '' }, 'DENY'],
  [
    'the server name is that of the service under mutual TLS',
    '- when: [{key: connection.sni, values: [orders.shop.svc]}]',
    {},
    'ALLOW',
  ],
  [
    'the client certificate is that of the caller, whatever its headers say',
    `- when: [{key: "request.headers[x-forwarded-client-cert]", values: [${CERTIFICATE}]}]`,
    { headers: { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/web/sa/admin' } },
    'ALLOW',
  ],
  [
    'plaintext has no client certificate, whatever its headers say',
    '- when: [{key: "request.headers[x-forwarded-client-cert]", values: ["*"]}]',
    { from: '', headers: { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/web/sa/admin' } },
    'DENY',
  ],
  ['every request has an id', '- when: [{key: "request.headers[x-request-id]", values: ["*"]}]', {}, 'ALLOW'],
  ['plaintext has no server name', '- when: [{key: connection.sni, values: ["*"]}]', { from: '' }, 'DENY'],
];

for (const [fact, rules, question, expected] of cases) {
  test(fact, () => {
    const verdict = judgeQuestion({ ...QUESTION, ...question }, { ...MESH, resources: [policyOf(rules)] });
    assert.equal(verdict.decision, expected, verdict.reason);
  });
}

test('plaintext on a STRICT port is denied before any policy is asked', () => {
  const resources = [peerAuthenticationOf('{mtls: {mode: STRICT}}'), policyOf('- {}')];
  const verdict = judgeQuestion({ ...QUESTION, from: '' }, { ...MESH, resources });
  assert.match(verdict.reason, /^plaintext refused/);
});

test('the client is whom trusted proxies name', () => {
  const [settings] = resourcesOf(
    'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default, namespace: istio-system}\nspec: {gatewayTopology: {numTrustedProxies: 1}}\n',
  );
  assert.ok(settings);
  const policy = policyOf('- from: [{source: {remoteIpBlocks: ["203.0.113.0/24"]}}]');
  const decision = (headers: Record<string, string>, ...more: readonly Resource[]): string =>
    judgeQuestion({ ...QUESTION, headers }, { ...MESH, resources: [policy, ...more] }).decision;
  const headers = { 'x-forwarded-for': '10.9.9.9, 203.0.113.7' };
  assert.deepEqual([decision(headers, settings), decision(headers), decision({}, settings)], ['ALLOW', 'DENY', 'DENY']);
});

const USERS =
  'apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: users, namespace: shop}\n';
const ANN = { iss: 'https://a', sub: 'ann' };
const tokens: readonly [fact: string, rules: string, claims: object | undefined, expected: string][] = [
  ['no token is no identity, and no refusal', '[{issuer: "https://a"}]', undefined, 'DENY no ALLOW'],
  ['a good token gives its identity', '[{issuer: "https://a"}]', ANN, 'ALLOW'],
  ['a token of no configured issuer is refused', '[{issuer: "https://b"}]', ANN, 'DENY 401'],
  ['a token that has ended is refused', '[{issuer: "https://a"}]', { ...ANN, exp: 900 }, 'DENY 401'],
  ['clocks may differ by a minute', '[{issuer: "https://a"}]', { ...ANN, exp: 950, nbf: 1050 }, 'ALLOW'],
  ['a token for others is refused', '[{issuer: "https://a", audiences: [x]}]', { ...ANN, aud: ['y'] }, 'DENY 401'],
  ['one audience is enough', '[{issuer: "https://a", audiences: [x, z]}]', { ...ANN, aud: ['y', 'z'] }, 'ALLOW'],
];
for (const [fact, rules, claims, expected] of tokens) {
  test(fact, () => {
    const resources = [
      ...resourcesOf(`${USERS}spec: {jwtRules: ${rules}}\n`),
      policyOf('- from: [{source: {requestPrincipals: ["https://a/ann"]}}]'),
    ];
    const token = claims === undefined ? {} : { claims: { ...claims }, now: 1_000_000 };
    const { decision, reason } = judgeQuestion({ ...QUESTION, ...token }, { ...MESH, resources });
    assert.ok(
      `${decision} ${reason}`.startsWith(expected.replace('no ALLOW', 'no ALLOW rule')),
      `${decision} ${reason}`,
    );
  });
}

test('a path that no data plane takes is not judged', () => {
  assert.throws(() => judgeQuestion({ ...QUESTION, path: '/%00' }, { ...MESH, resources: [] }), {
    code: 'INVALID_ARGUMENT',
  });
});

/** One resource of namespace "shop" from its spec in YAML flow form. */
function resourceOf(apiVersion: string, kind: string, spec: string): Resource[] {
  return resourcesOf(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x, namespace: shop}\nspec: ${spec}\n`);
}

const ISTIO = 'security.istio.io/v1';
const KEYS = 'jwksUri: "https://a/keys"';
const refusals: readonly [by: string, resources: readonly Resource[], question: Partial<Question>][] = [
  ['PeerAuthentication', [peerAuthenticationOf('{mtls: {mode: STRICT}}')], { from: '' }],
  [
    'RequestAuthentication',
    resourceOf(ISTIO, 'RequestAuthentication', `{jwtRules: [{issuer: "https://b", ${KEYS}}]}`),
    { claims: ANN },
  ],
  [
    'ServiceTokenPolicy',
    resourceOf('rampart.dev/v1', 'ServiceTokenPolicy', `{issuer: a, audience: b, ${KEYS}, rules: [{scopes: [c]}]}`),
    {},
  ],
  [
    'a CUSTOM policy whose provider nobody knows',
    resourceOf(ISTIO, 'AuthorizationPolicy', '{action: CUSTOM, provider: {name: nobody}, rules: [{}]}'),
    {},
  ],
  [
    'NetworkPolicy',
    resourceOf('networking.k8s.io/v1', 'NetworkPolicy', '{podSelector: {}, policyTypes: [Ingress]}'),
    {},
  ],
  [
    'a policy that cannot be enforced',
    resourceOf(ISTIO, 'AuthorizationPolicy', '{targetRefs: [{kind: Service, group: "", name: a}], rules: [{}]}'),
    {},
  ],
];

for (const [by, resources, question] of refusals) {
  test(`no dry run undoes a refusal by ${by}`, () => {
    const tried = policyOf('- {}', { name: 'tried', dryRun: true });
    const judge = (given: readonly Resource[]) =>
      judgeQuestion({ ...QUESTION, ...question }, { ...MESH, resources: given });
    const { decision, reason, dryRunDecision } = judge([...resources, tried]);
    assert.deepEqual([decision, dryRunDecision], ['DENY', 'DENY']);
    const enforced = judge(resources);
    assert.deepEqual([enforced.decision, enforced.reason, enforced.dryRunDecision], ['DENY', reason, '']);
  });
}
