import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compile,
  connectionOf,
  EVERYTHING,
  FRONTEND,
  judge,
  judgeTcp,
  requestOf,
  type Call,
} from '../testing/calls.ts';
import { policyOf, resourcesOf, type PolicyOptions } from '../testing/documents.ts';
import { denyAll, type Resource } from '../index.ts';

type Decision = 'ALLOW' | 'DENY';

const MESH_CONFIG = `
apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: {name: default, namespace: istio-system}
spec: {trustDomainAliases: [old-td]}
`;

const any = '- {}';
const get = '- to: [{operation: {methods: [GET]}}]';
const post = '- to: [{operation: {methods: [POST]}}]';
const fromWeb = '- from: [{source: {namespaces: [web]}}]';

/** §1.1: how policies together decide. */
const evaluation: readonly [
  fact: string,
  resources: readonly Resource[],
  call: Call,
  expected: Decision,
  policy: string,
][] = [
  ['no policy at all allows', [], {}, 'ALLOW', ''],
  ['a matching ALLOW policy allows', [policyOf(get)], {}, 'ALLOW', 'shop/policy'],
  ['an ALLOW policy denies what it does not match', [policyOf(get)], { method: 'POST' }, 'DENY', 'shop/policy'],
  [
    'one matching ALLOW policy is enough',
    [policyOf(post, { name: 'a' }), policyOf(get, { name: 'b' })],
    {},
    'ALLOW',
    'shop/b',
  ],
  ['one matching rule is enough', [policyOf(`${post}\n${get}`)], {}, 'ALLOW', 'shop/policy'],
  ['a matching DENY policy denies', [policyOf(get, { action: 'DENY' })], {}, 'DENY', 'shop/policy'],
  ['a DENY policy alone allows what it does not match', [policyOf(post, { action: 'DENY' })], {}, 'ALLOW', ''],
  [
    'DENY goes before ALLOW',
    [policyOf(any, { name: 'a' }), policyOf(get, { name: 'z', action: 'DENY' })],
    {},
    'DENY',
    'shop/z',
  ],
  ['an ALLOW policy without rules allows nothing', [policyOf(undefined)], {}, 'DENY', 'shop/policy'],
  [
    'an ALLOW policy without rules takes nothing from another',
    [policyOf(undefined, { name: 'a' }), policyOf(any, { name: 'b' })],
    {},
    'ALLOW',
    'shop/b',
  ],
  ['an empty rule allows everything', [policyOf(any)], { principal: null }, 'ALLOW', 'shop/policy'],
  ['an empty rule denies everything', [policyOf(any, { action: 'DENY' })], {}, 'DENY', 'shop/policy'],
  ['AUDIT decides nothing', [policyOf(any, { action: 'AUDIT' })], {}, 'ALLOW', ''],
  ['AUDIT makes no default deny', [policyOf(post, { action: 'AUDIT' })], {}, 'ALLOW', ''],
  ['a dry run of ALLOW makes no default deny', [policyOf(post, { dryRun: true })], {}, 'ALLOW', ''],
  ['a dry run of DENY denies nothing', [policyOf(any, { action: 'DENY', dryRun: true })], {}, 'ALLOW', ''],
  [
    'a dry run of ALLOW allows nothing',
    [policyOf(post, { name: 'a' }), policyOf(any, { name: 'b', dryRun: true })],
    {},
    'DENY',
    'shop/a',
  ],
];

for (const [fact, resources, call, expected, policy] of evaluation) {
  test(fact, () => {
    for (const order of [resources, resources.toReversed()]) {
      const verdict = judge(order, call);
      assert.deepEqual([verdict.decision, verdict.policy], [expected, policy]);
    }
  });
}

/** §1.1: how one rule is put together, for a call from web/frontend, GET /a on port 8080. */
const rules: readonly [fact: string, rule: string, call: Call, expected: boolean][] = [
  ['any source will do', '- from: [{source: {namespaces: [x]}}, {source: {namespaces: [web]}}]', {}, true],
  ['some source must do', '- from: [{source: {namespaces: [x]}}, {source: {namespaces: [y]}}]', {}, false],
  ['any operation will do', '- to: [{operation: {methods: [PUT]}}, {operation: {methods: [GET]}}]', {}, true],
  ['some operation must do', '- to: [{operation: {methods: [PUT]}}, {operation: {methods: [POST]}}]', {}, false],
  [
    'every condition must hold',
    '- when: [{key: source.namespace, values: [web]}, {key: destination.port, values: ["1"]}]',
    {},
    false,
  ],
  [
    'conditions that all hold',
    '- when: [{key: source.namespace, values: [web]}, {key: destination.port, values: ["8080"]}]',
    {},
    true,
  ],
  [
    'from and to must both hold',
    '- {from: [{source: {namespaces: [web]}}], to: [{operation: {methods: [POST]}}]}',
    {},
    false,
  ],
  [
    'from and when must both hold',
    '- {from: [{source: {namespaces: [web]}}], when: [{key: destination.port, values: ["1"]}]}',
    {},
    false,
  ],
  ['all fields of a source must hold', '- from: [{source: {namespaces: [web], ipBlocks: [1.1.1.1]}}]', {}, false],
  [
    'fields of two sources do not mix',
    '- from: [{source: {namespaces: [web], ipBlocks: [1.1.1.1]}}, {source: {namespaces: [x], ipBlocks: [10.0.0.1]}}]',
    {},
    false,
  ],
  ['all fields of an operation must hold', '- to: [{operation: {methods: [GET], paths: [/b]}}]', {}, false],
  [
    'fields of two operations do not mix',
    '- to: [{operation: {methods: [GET], paths: [/b]}}, {operation: {methods: [PUT], paths: [/a]}}]',
    {},
    false,
  ],
  [
    'a port and a method of one operation go together',
    '- to: [{operation: {methods: [GET], ports: ["1"]}}, {operation: {methods: [PUT], ports: ["8080"]}}]',
    {},
    false,
  ],
  ['any value of a list will do', '- to: [{operation: {methods: [PUT, GET]}}]', {}, true],
  ['a negative list excludes', '- to: [{operation: {notMethods: [PUT, GET]}}]', {}, false],
  ['a negative list lets the others through', '- to: [{operation: {notMethods: [PUT]}}]', {}, true],
  [
    'a negative list goes together with the positive one',
    '- to: [{operation: {paths: ["/a*"], notPaths: [/a]}}]',
    {},
    false,
  ],
  [
    'values and notValues go together',
    '- when: [{key: source.principal, values: ["*"], notValues: ["*/sa/frontend"]}]',
    {},
    false,
  ],
];

/** §1.3: how each field compares, for the same call. */
const fields: readonly [fact: string, rule: string, call: Call, expected: boolean][] = [
  ['principals "*" is any verified caller', '- from: [{source: {principals: ["*"]}}]', {}, true],
  ['principals "*" is no plaintext caller', '- from: [{source: {principals: ["*"]}}]', { principal: null }, false],
  ['notPrincipals "*" is plaintext only', '- from: [{source: {notPrincipals: ["*"]}}]', { principal: null }, true],
  ['notPrincipals "*" is no verified caller', '- from: [{source: {notPrincipals: ["*"]}}]', {}, false],
  ['notNamespaces holds for plaintext', '- from: [{source: {notNamespaces: [web]}}]', { principal: null }, true],
  [
    'serviceAccounts without namespace are of the policy’s own',
    '- from: [{source: {serviceAccounts: [frontend]}}]',
    {},
    false,
  ],
  ['serviceAccounts with namespace', '- from: [{source: {serviceAccounts: [web/frontend]}}]', {}, true],
  ['trustDomains', '- from: [{source: {trustDomains: [cluster.local]}}]', {}, true],
  [
    'trustDomains hold for no plaintext caller',
    '- from: [{source: {trustDomains: ["*"]}}]',
    { principal: null },
    false,
  ],
  ['notTrustDomains', '- from: [{source: {notTrustDomains: [cluster.local]}}]', {}, false],
  ['ipBlocks', '- from: [{source: {ipBlocks: [10.0.0.0/8]}}]', {}, true],
  [
    'ipBlocks through an IPv4-mapped address',
    '- from: [{source: {ipBlocks: [10.0.0.0/8]}}]',
    { sourceIp: '::ffff:10.9.9.9' },
    true,
  ],
  [
    'an address that cannot be read is in no block',
    '- from: [{source: {ipBlocks: [0.0.0.0/0]}}]',
    { sourceIp: 'unix' },
    false,
  ],
  ['notIpBlocks', '- from: [{source: {notIpBlocks: [10.0.0.0/8]}}]', {}, false],
  [
    'remoteIpBlocks are about the client, not the peer',
    '- from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]',
    { remoteIp: '203.0.113.7' },
    true,
  ],
  [
    'ipBlocks are about the peer, not the client',
    '- from: [{source: {ipBlocks: [203.0.113.0/24]}}]',
    { remoteIp: '203.0.113.7' },
    false,
  ],
  [
    'remoteIpBlocks are about the peer where no proxy is trusted',
    '- from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]',
    {},
    true,
  ],
  [
    'notRemoteIpBlocks',
    '- from: [{source: {notRemoteIpBlocks: [203.0.113.0/24]}}]',
    { remoteIp: '203.0.113.7' },
    false,
  ],
  [
    'a client address that cannot be read is in no block',
    '- from: [{source: {remoteIpBlocks: [0.0.0.0/0]}}]',
    { remoteIp: 'unknown' },
    false,
  ],
  ['ports are the workload’s own', '- to: [{operation: {ports: ["8080"]}}]', {}, true],
  ['notPorts', '- to: [{operation: {notPorts: ["8080"]}}]', {}, false],
  ['methods are case sensitive', '- to: [{operation: {methods: [get]}}]', {}, false],
  ['methods "*"', '- to: [{operation: {methods: ["*"]}}]', {}, true],
  ['hosts ignore case', '- to: [{operation: {hosts: [Orders-API]}}]', { host: 'ORDERS-api' }, true],
  ['hosts ignore case in suffixes', '- to: [{operation: {hosts: ["*.Example.com"]}}]', { host: 'A.EXAMPLE.COM' }, true],
  ['hosts include the port', '- to: [{operation: {hosts: [orders-api]}}]', { host: 'orders-api:8080' }, false],
  ['hosts with any port', '- to: [{operation: {hosts: ["orders-api:*"]}}]', { host: 'orders-api:8080' }, true],
  ['hosts "*" takes an empty one', '- to: [{operation: {hosts: ["*"]}}]', { host: '' }, true],
  ['notHosts', '- to: [{operation: {notHosts: [ORDERS-API]}}]', {}, false],
  ['paths are case sensitive', '- to: [{operation: {paths: [/A]}}]', {}, false],
  ['paths by prefix', '- to: [{operation: {paths: ["/api/*"]}}]', { path: '/api/v1' }, true],
  ['a prefix with a slash asks for it', '- to: [{operation: {paths: ["/api/*"]}}]', { path: '/api' }, false],
  ['paths by suffix', '- to: [{operation: {paths: ["*/info"]}}]', { path: '/a/info' }, true],
  ['paths by template', '- to: [{operation: {paths: ["/users/{*}/orders"]}}]', { path: '/users/7/orders' }, true],
  ['a template beside plain paths', '- to: [{operation: {paths: [/x, "/users/{*}/orders"]}}]', { path: '/x' }, true],
  ['notPaths', '- to: [{operation: {notPaths: ["/admin/{**}"]}}]', { path: '/admin/a' }, false],
];

/** §1.4: what conditions can ask about. */
const conditions: readonly [fact: string, rule: string, call: Call, expected: boolean][] = [
  ['a header', '- when: [{key: "request.headers[X-Key]", values: [a]}]', { headers: { 'x-key': 'a' } }, true],
  [
    'header values are case sensitive',
    '- when: [{key: "request.headers[x-key]", values: [A]}]',
    { headers: { 'x-key': 'a' } },
    false,
  ],
  [
    'a header by prefix',
    '- when: [{key: "request.headers[x-key]", values: ["a*"]}]',
    { headers: { 'x-key': 'ab' } },
    true,
  ],
  ['a header that is missing', '- when: [{key: "request.headers[x-key]", values: [a]}]', {}, false],
  [
    '"*" is a header that is there, even empty',
    '- when: [{key: "request.headers[x-key]", values: ["*"]}]',
    { headers: { 'x-key': '' } },
    true,
  ],
  ['"*" is no header that is missing', '- when: [{key: "request.headers[x-key]", values: ["*"]}]', {}, false],
  ['notValues hold when the header is missing', '- when: [{key: "request.headers[x-key]", notValues: [a]}]', {}, true],
  [
    'notValues "*" asks that the header be missing',
    '- when: [{key: "request.headers[x-key]", notValues: ["*"]}]',
    { headers: { 'x-key': '' } },
    false,
  ],
  [
    'several headers of a name are one joined value',
    '- when: [{key: "request.headers[x-key]", values: [a]}]',
    { headers: { 'x-key': 'a,b' } },
    false,
  ],
  ['the method as a pseudo header', '- when: [{key: "request.headers[:method]", values: [GET]}]', {}, true],
  [
    'the authority as a pseudo header',
    '- when: [{key: "request.headers[:authority]", values: [orders-api]}]',
    {},
    true,
  ],
  ['source.ip', '- when: [{key: source.ip, values: [10.0.0.0/8]}]', {}, true],
  ['remote.ip', '- when: [{key: remote.ip, values: ["2001:db8::/32"]}]', { remoteIp: '2001:db8::7' }, true],
  [
    'remote.ip of another client',
    '- when: [{key: remote.ip, notValues: [203.0.113.7]}]',
    { remoteIp: '203.0.113.7' },
    false,
  ],
  ['source.namespace', '- when: [{key: source.namespace, values: ["w*b"]}]', {}, true],
  ['source.principal', `- when: [{key: source.principal, values: [${FRONTEND}]}]`, {}, true],
  ['source.principal of nobody', '- when: [{key: source.principal, values: ["*"]}]', { principal: null }, false],
  ['source.serviceAccount', '- when: [{key: source.serviceAccount, values: [web/frontend]}]', {}, true],
  ['source.trustDomain', '- when: [{key: source.trustDomain, notValues: [cluster.local]}]', {}, false],
  ['destination.ip', '- when: [{key: destination.ip, values: [10.0.0.2]}]', {}, true],
  ['destination.port', '- when: [{key: destination.port, values: ["8080"]}]', {}, true],
  ['connection.sni', '- when: [{key: connection.sni, values: ["*.svc"]}]', { sni: 'orders-api.shop.svc' }, true],
  ['connection.sni "*" is no empty name', '- when: [{key: connection.sni, values: ["*"]}]', {}, false],
];

for (const [fact, rule, call, expected] of [...rules, ...fields, ...conditions]) {
  test(`a rule matches: ${fact}`, () => {
    const withPath = { path: '/a', ...call };
    const options = { capabilities: EVERYTHING };
    const [allow, deny] = [policyOf(rule), policyOf(rule, { action: 'DENY' })];
    assert.equal(judge([allow], withPath, options).decision, expected ? 'ALLOW' : 'DENY');
    assert.equal(judge([deny], withPath, options).decision, expected ? 'DENY' : 'ALLOW');
  });
}

/** §1.2: which policies are about the workload shop/orders with labels app=orders, tier=api. */
const scopes: readonly [fact: string, options: PolicyOptions, applies: boolean][] = [
  ['its own namespace', {}, true],
  ['another namespace', { namespace: 'web' }, false],
  ['the root namespace', { namespace: 'istio-system' }, true],
  ['its own labels', { selector: { app: 'orders' } }, true],
  ['all of its labels', { selector: { app: 'orders', tier: 'api' } }, true],
  ['other labels', { selector: { app: 'users' } }, false],
  ['more labels than it has', { selector: { app: 'orders', version: 'v1' } }, false],
  ['its labels in the root namespace', { namespace: 'istio-system', selector: { app: 'orders' } }, true],
  ['other labels in the root namespace', { namespace: 'istio-system', selector: { app: 'users' } }, false],
  ['its labels in another namespace', { namespace: 'web', selector: { app: 'orders' } }, false],
];

for (const [fact, options, applies] of scopes) {
  test(`a policy for ${fact} ${applies ? 'applies' : 'does not apply'}`, () => {
    assert.equal(judge([policyOf(any, { ...options, action: 'DENY' })], {}).decision, applies ? 'DENY' : 'ALLOW');
  });
}

test('a policy of the root namespace means its own namespace by a bare service account', () => {
  const rule = '- from: [{source: {serviceAccounts: [frontend]}}]';
  const call = { principal: 'cluster.local/ns/istio-system/sa/frontend' };
  assert.equal(judge([policyOf(rule, { namespace: 'istio-system' })], call).decision, 'ALLOW');
});

/** §1.3: trust domain aliases, in a mesh that is new-td and was old-td. */
const aliases: readonly [fact: string, rule: string, domain: string, expected: boolean][] = [
  ['a former name stands for the present one', 'principals: [old-td/ns/web/sa/frontend]', 'new-td', true],
  ['the present name stands for a former one', 'principals: [new-td/ns/web/sa/frontend]', 'old-td', true],
  [
    'cluster.local stands for whatever the mesh is called',
    'principals: [cluster.local/ns/web/sa/frontend]',
    'new-td',
    true,
  ],
  ['another trust domain stands for itself', 'principals: [foreign/ns/web/sa/frontend]', 'foreign', true],
  ['another trust domain stands for no other', 'principals: [foreign/ns/web/sa/frontend]', 'new-td', false],
  ['a name of this mesh stands for no other', 'principals: [old-td/ns/web/sa/frontend]', 'foreign', false],
  ['"*" for the trust domain is any', 'principals: ["*/ns/web/sa/frontend"]', 'foreign', true],
  ['a suffix of the trust domain stays as it is', 'principals: ["*-td/ns/web/sa/frontend"]', 'any-td', true],
  ['a principal that is not of five parts stands for itself', 'principals: ["old-td/ns/web/*"]', 'new-td', false],
  ['notPrincipals know aliases too', 'notPrincipals: [old-td/ns/web/sa/frontend]', 'new-td', false],
  ['trustDomains know aliases', 'trustDomains: [old-td]', 'new-td', true],
  ['trustDomains by prefix stand for no other name of the mesh', 'trustDomains: ["old*"]', 'new-td', false],
  ['notTrustDomains by prefix stand for no other name of the mesh', 'notTrustDomains: ["old*"]', 'new-td', true],
  ['serviceAccounts are of any trust domain', 'serviceAccounts: [web/frontend]', 'foreign', true],
];

for (const [fact, source, domain, expected] of aliases) {
  test(fact, () => {
    const policy = policyOf(`- from: [{source: {${source}}}]`);
    const call = { principal: `${domain}/ns/web/sa/frontend` };
    const given = judge([policy], call, { trustDomain: 'new-td', trustDomainAliases: ['old-td'] });
    const configured = judge([policy, ...resourcesOf(MESH_CONFIG)], call, { trustDomain: 'new-td' });
    assert.deepEqual([given.decision, configured.decision], expected ? ['ALLOW', 'ALLOW'] : ['DENY', 'DENY']);
  });
}

/** §1.5: traffic that is not HTTP. */
const tcp: readonly [fact: string, rules: string, action: 'ALLOW' | 'DENY', expected: Decision][] = [
  ['an ALLOW rule of the connection counts', fromWeb, 'ALLOW', 'ALLOW'],
  ['an ALLOW rule that asks for HTTP is dropped whole', get, 'ALLOW', 'DENY'],
  [
    'one operation with HTTP drops an ALLOW rule although another has none',
    '- to: [{operation: {methods: [GET]}}, {operation: {ports: ["8080"]}}]',
    'ALLOW',
    'DENY',
  ],
  ['a token drops an ALLOW rule', '- from: [{source: {requestPrincipals: ["*"]}}]', 'ALLOW', 'DENY'],
  ['a claim drops an ALLOW rule', '- when: [{key: "request.auth.claims[a]", values: [b]}]', 'ALLOW', 'DENY'],
  ['a not-form drops an ALLOW rule', '- to: [{operation: {notMethods: [GET]}}]', 'ALLOW', 'DENY'],
  ['a host drops an ALLOW rule', '- to: [{operation: {hosts: ["*"]}}]', 'ALLOW', 'DENY'],
  ['a client address drops no ALLOW rule', '- from: [{source: {remoteIpBlocks: [10.0.0.1]}}]', 'ALLOW', 'ALLOW'],
  ['a client address is the peer’s', '- from: [{source: {remoteIpBlocks: [10.0.0.9]}}]', 'ALLOW', 'DENY'],
  ['a server name drops no ALLOW rule', '- when: [{key: connection.sni, notValues: [a]}]', 'ALLOW', 'ALLOW'],
  ['a DENY rule of tokens alone denies everything', '- from: [{source: {requestPrincipals: ["*/x"]}}]', 'DENY', 'DENY'],
  ['a DENY rule of no token denies everything', '- from: [{source: {notRequestPrincipals: ["*"]}}]', 'DENY', 'DENY'],
  [
    'a DENY rule of a claim alone denies everything',
    '- when: [{key: "request.auth.claims[a]", values: [b]}]',
    'DENY',
    'DENY',
  ],
  [
    'a DENY rule keeps the client’s address',
    '- {from: [{source: {remoteIpBlocks: [10.0.0.9]}}], to: [{operation: {methods: [GET]}}]}',
    'DENY',
    'ALLOW',
  ],
  ['a header drops an ALLOW rule', '- when: [{key: "request.headers[a]", values: [b]}]', 'ALLOW', 'DENY'],
  ['an ALLOW rule beside a dropped one counts', `${get}\n${fromWeb}`, 'ALLOW', 'ALLOW'],
  [
    'a DENY rule loses what asks for HTTP and denies its port',
    '- to: [{operation: {methods: [POST], ports: ["8080"]}}]',
    'DENY',
    'DENY',
  ],
  [
    'a DENY rule of another port stays of another port',
    '- to: [{operation: {methods: [POST], ports: ["1"]}}]',
    'DENY',
    'ALLOW',
  ],
  ['a DENY rule of HTTP alone denies everything', post, 'DENY', 'DENY'],
  [
    'a DENY rule keeps its source',
    '- {from: [{source: {namespaces: [x]}}], to: [{operation: {methods: [POST]}}]}',
    'DENY',
    'ALLOW',
  ],
];

for (const [fact, rule, action, expected] of tcp) {
  test(`without HTTP, ${fact}`, () => {
    assert.equal(judgeTcp([policyOf(rule, { action })], {}, { capabilities: EVERYTHING }).decision, expected);
  });
}

test('without HTTP, a denial says that the rule was left out', () => {
  assert.match(judgeTcp([policyOf(get)], {}).reason, /rules\[0\] asks for HTTP/);
});

test('a connection on which nothing can be allowed is refused before its first request', () => {
  const admit = (rule: string, action: 'ALLOW' | 'DENY'): string | undefined =>
    compile([policyOf(rule, { action })])
      .forConnection(connectionOf({}))
      .admit()?.decision;
  assert.equal(admit('- from: [{source: {namespaces: [x]}}]', 'ALLOW'), 'DENY');
  assert.equal(admit(fromWeb, 'DENY'), 'DENY');
  assert.equal(admit(fromWeb, 'ALLOW'), undefined);
  assert.equal(admit(post, 'ALLOW'), undefined);
  assert.equal(admit(post, 'DENY'), undefined);
});

test('one frozen verdict stands for every request that a rule decides in one mode', () => {
  const policy = compile([policyOf(get)]);
  const first = policy.forConnection(connectionOf({})).evaluate(requestOf({}));
  const second = policy.forConnection(connectionOf({ sourceIp: '10.0.0.9' })).evaluate(requestOf({ path: '/other' }));
  assert.equal(first, second);
  assert.ok(Object.isFrozen(first));
  const plaintext = policy.forConnection(connectionOf({ principal: null })).evaluate(requestOf({}));
  assert.equal(plaintext.mode, 'plaintext PERMISSIVE by default');
});

test('a verdict has the form and order of fields that every answer has', () => {
  const [policy] = resourcesOf(`
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow-frontend-to-api, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [cluster.local/ns/web/sa/frontend]}}]
`);
  assert.ok(policy !== undefined);
  const call = { principal: 'cluster.local/ns/web/sa/batch' };
  assert.equal(
    JSON.stringify(judge([policy], call)),
    JSON.stringify({
      decision: 'DENY',
      policy: 'shop/allow-frontend-to-api',
      rule: 0,
      action: 'ALLOW',
      reason:
        'no ALLOW rule matched: principal cluster.local/ns/web/sa/batch is not in rules[0].from[0].source.principals',
      audit: [],
      dryRun: [],
      dryRunDecision: '',
      mode: 'mTLS PERMISSIVE by default',
    }),
  );
});

test('without a policy snapshot everything is refused, and it says why', () => {
  const policy = denyAll('no policy snapshot has arrived yet');
  const connection = policy.forConnection(connectionOf({}));
  assert.equal(policy.tlsMode(8080).mode, 'STRICT');
  for (const verdict of [
    connection.admit(),
    connection.admitTransport(),
    connection.evaluate(requestOf({})),
    connection.evaluateTcp(),
  ]) {
    assert.equal(verdict?.decision, 'DENY');
    assert.equal(verdict?.reason, 'no policy snapshot has arrived yet');
  }
});
