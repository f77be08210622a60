import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, connectionOf, judge, requestOf, type Call } from '../../testing/calls.ts';
import { policyOf } from '../../testing/documents.ts';

const frontendGets =
  '- {from: [{source: {principals: [cluster.local/ns/web/sa/frontend]}}], to: [{operation: {methods: [GET], paths: ["/api/*"]}}]}';
const batchPosts =
  '- {from: [{source: {principals: [cluster.local/ns/web/sa/batch]}}], to: [{operation: {methods: [POST]}}]}';

const cases: readonly [fact: string, rules: string | undefined, call: Call, reason: string][] = [
  [
    'the caller',
    frontendGets,
    { principal: 'cluster.local/ns/web/sa/batch', path: '/api/a' },
    'principal cluster.local/ns/web/sa/batch is not in rules[0].from[0].source.principals',
  ],
  [
    'a plaintext caller',
    frontendGets,
    { principal: null, path: '/api/a' },
    'the caller is plaintext and has no principal for rules[0].from[0].source.principals',
  ],
  ['the path', frontendGets, { path: '/admin' }, 'path /admin is not in rules[0].to[0].operation.paths'],
  [
    'the method',
    frontendGets,
    { method: 'PUT', path: '/api/a' },
    'method PUT is not in rules[0].to[0].operation.methods',
  ],
  [
    'the rule whose caller it is, before the rule of others',
    `${batchPosts}\n${frontendGets}`,
    { path: '/x' },
    'path /x is not in rules[1].to[0].operation.paths',
  ],
  [
    'the nearest of two sources',
    '- from: [{source: {namespaces: [a], ipBlocks: [1.1.1.1]}}, {source: {namespaces: [web], ipBlocks: [2.2.2.2]}}]',
    {},
    'source IP 10.0.0.1 is not in rules[0].from[1].source.ipBlocks',
  ],
  [
    'the nearest of two operations',
    '- to: [{operation: {methods: [PUT], paths: [/b]}}, {operation: {methods: [PUT], paths: [/a]}}]',
    { path: '/a' },
    'method GET is not in rules[0].to[1].operation.methods',
  ],
  [
    'an exclusion',
    '- to: [{operation: {notPaths: ["/admin*"]}}]',
    { path: '/admin/x' },
    'path /admin/x is in rules[0].to[0].operation.notPaths',
  ],
  ['the port', '- to: [{operation: {ports: ["1"]}}]', {}, 'port 8080 is not in rules[0].to[0].operation.ports'],
  ['the host', '- to: [{operation: {hosts: [a]}}]', {}, 'host orders-api is not in rules[0].to[0].operation.hosts'],
  [
    'a missing header',
    '- when: [{key: "request.headers[X-Key]", values: [a]}]',
    {},
    'there is no header x-key for rules[0].when[0].values',
  ],
  [
    'a header, without its value',
    '- when: [{key: "request.headers[x-key]", values: [a]}]',
    { headers: { 'x-key': 'secret' } },
    'the value of header x-key is not in rules[0].when[0].values',
  ],
  [
    'a condition',
    '- when: [{key: source.namespace, notValues: [web]}]',
    {},
    'principal cluster.local/ns/web/sa/frontend is in rules[0].when[0].notValues',
  ],
  [
    'a server name that is missing',
    '- when: [{key: connection.sni, values: [a]}]',
    {},
    'there is no server name for rules[0].when[0].values',
  ],
  ['that there are no rules', undefined, {}, 'policy shop/policy has no rules, so it allows nothing'],
];

for (const [fact, rules, call, reason] of cases) {
  test(`a denial names ${fact}`, () => {
    const verdict = judge([policyOf(rules)], call);
    assert.equal(verdict.decision, 'DENY');
    assert.equal(verdict.action, 'ALLOW');
    assert.equal(verdict.reason, `no ALLOW rule matched: ${reason}`);
  });
}

test('a denial names the nearest rule of the nearest policy', () => {
  const verdict = judge(
    [policyOf(batchPosts, { name: 'a' }), policyOf(`${batchPosts}\n${frontendGets}`, { name: 'b' })],
    { path: '/x' },
  );
  assert.deepEqual([verdict.policy, verdict.rule], ['shop/b', 1]);
});

test('of two rules equally near the older policy is named, then the one of the first name', () => {
  const a = policyOf(batchPosts, { name: 'a', createdAt: 2 });
  const b = policyOf(batchPosts, { name: 'b', createdAt: 1 });
  const c = policyOf(batchPosts, { name: 'c', createdAt: 1 });
  assert.equal(judge([a, c, b], {}).policy, 'shop/b');
});

test('what callers send cannot break a line or flood a log', () => {
  const verdict = judge([policyOf(frontendGets)], { path: `/a\n\u2028\u0007${'x'.repeat(5000)}` });
  assert.ok(verdict.reason.length < 400);
  assert.match(verdict.reason, /^[^\p{Cc}\u2028]*$/u);
  assert.ok(verdict.reason.includes('/a\\u000a\\u2028\\u0007xxx'));
});

test('a denial by a DENY policy names the rule', () => {
  const verdict = judge([policyOf('- {from: [{source: {namespaces: [x]}}]}\n- {}', { action: 'DENY' })], {});
  assert.deepEqual(
    [verdict.decision, verdict.policy, verdict.rule, verdict.action],
    ['DENY', 'shop/policy', 1, 'DENY'],
  );
  assert.equal(verdict.reason, 'rules[1] of DENY policy shop/policy matched');
});

test('a denial says the same each time it is asked, in the form of every verdict', () => {
  const connection = compile([policyOf(frontendGets)]).forConnection(connectionOf({}));
  const [first, second] = [
    connection.evaluate(requestOf({ path: '/x' })),
    connection.evaluate(requestOf({ path: '/x' })),
  ];
  assert.equal(JSON.stringify(first), JSON.stringify(second));
  assert.deepEqual(JSON.parse(JSON.stringify(first)), {
    decision: 'DENY',
    policy: 'shop/policy',
    rule: 0,
    action: 'ALLOW',
    reason: 'no ALLOW rule matched: path /x is not in rules[0].to[0].operation.paths',
    audit: [],
    dryRun: [],
    dryRunDecision: '',
    mode: 'mTLS PERMISSIVE by default',
  });
});

test('denials of one path do not explain those of another, nor of another caller', () => {
  const policy = compile([policyOf(frontendGets)]);
  const reasonOf = (call: Call): string => policy.forConnection(connectionOf(call)).evaluate(requestOf(call)).reason;
  const calls = [{ path: '/x' }, { path: '/y' }, { path: '/x', method: 'PUT' }, { path: '/x', principal: 'a/b' }];
  assert.equal(new Set(calls.map(reasonOf)).size, 4);
  assert.deepEqual(calls.map(reasonOf), calls.map(reasonOf));
});

test('a denial looks at the caller’s own rules first, and at no more rules than it may', () => {
  let tests = 0;
  const others = Array.from({ length: 500 }, (_, index) =>
    policyOf(batchPosts.replace('/sa/batch', `/sa/batch-${index}`), { name: `a-${index}` }),
  );
  const header = '- when: [{key: "request.headers[x-key]", values: [a]}]';
  const call = { path: '/x', principal: 'cluster.local/ns/web/sa/frontend' };
  const own = judge([...others, policyOf(frontendGets, { name: 'z' })], call);
  assert.equal(own.policy, 'shop/z');
  const counted = {
    ...requestOf(call),
    header: () => {
      tests += 1;
      return 'b';
    },
  };
  const many = Array.from({ length: 500 }, (_, index) => policyOf(header, { name: `h-${index}` }));
  const verdict = compile(many).forConnection(connectionOf(call)).evaluate(counted);
  const decided = tests;
  assert.match(verdict.reason, /x-key/);
  assert.ok(tests - decided <= 40, `${tests - decided} looks at a header`);
});

const manyOperations = (count: number): string =>
  Array.from({ length: count }, (_, index) => `{operation: {methods: [GET], paths: [/a${index}]}}`).join(', ');

test('a denial looks at no more operations of a rule than it may', () => {
  let looks = 0;
  const counted = {
    ...requestOf({}),
    get path() {
      looks += 1;
      return '/x';
    },
  };
  const rule = policyOf(`- to: [${manyOperations(2000)}]`);
  const verdict = compile([rule]).forConnection(connectionOf({})).evaluate(counted);
  const decided = looks;
  assert.equal(verdict.reason, 'no ALLOW rule matched: path /x is not in rules[0].to[0].operation.paths');
  assert.ok(looks - decided <= 150, `${looks - decided} looks at a path`);
});

test('of a rule with more operations than are looked at, what certainly failed is named', () => {
  const rule = `- {to: [${manyOperations(50)}], when: [{key: connection.sni, values: [a]}]}`;
  assert.equal(
    judge([policyOf(rule)], { path: '/a49' }).reason,
    'no ALLOW rule matched: there is no server name for rules[0].when[0].values',
  );
});

test('what explains a denial of one host, method or path is not taken for another', () => {
  const policy = compile([policyOf('- to: [{operation: {hosts: [a], methods: [PUT], paths: [/a]}}]')]);
  const connection = policy.forConnection(connectionOf({}));
  const reasonOf = (call: Call): string => connection.evaluate(requestOf(call)).reason;
  const calls = [
    { path: '/a', method: 'PUT', host: 'b' },
    { path: '/a', method: 'PUT', host: 'c' },
    { path: '/a', method: 'POST', host: 'a' },
    { path: '/b', method: 'PUT', host: 'a' },
  ];
  assert.equal(new Set(calls.map(reasonOf)).size, 4);
});
