import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, connectionOf, judge, requestOf } from '../../../testing/calls.ts';
import { policyOf } from '../../../testing/documents.ts';

/** A policy for each path, none of them the first choice of an index. */
function policiesFor(paths: readonly string[], action: 'ALLOW' | 'DENY' = 'ALLOW'): ReturnType<typeof policyOf>[] {
  return paths.map((path, index) =>
    policyOf(`- to: [{operation: {paths: ["${path}"]}}]`, { name: `p-${String(index).padStart(3, '0')}`, action }),
  );
}

const many = Array.from({ length: 40 }, (_, index) => `/other/${index}/*`);

/** Which of several rules that match is named: the first, wherever an index has it. */
const firsts: readonly [fact: string, paths: readonly string[], path: string, policy: string][] = [
  ['a prefix before the exact path', ['/a/*', ...many, '/a/b'], '/a/b', 'shop/p-000'],
  ['an exact path before the prefix', ['/a/b', ...many, '/a/*'], '/a/b', 'shop/p-000'],
  ['a short prefix before a longer one', ['/*', ...many, '/a/*'], '/a/b', 'shop/p-000'],
  ['a long prefix before a shorter one', ['/a/*', ...many, '/*'], '/a/b', 'shop/p-000'],
  ['a suffix before a prefix', ['*/b', ...many, '/a/*'], '/a/b', 'shop/p-000'],
  ['a prefix before a suffix', ['/a/*', ...many, '*/b'], '/a/b', 'shop/p-000'],
  ['any path before all others', ['*', ...many, '/a/b'], '/a/b', 'shop/p-000'],
  ['a template before an exact path', ['/{*}/b', ...many, '/a/b'], '/a/b', 'shop/p-000'],
  ['an exact path before a template', ['/a/b', ...many, '/{*}/b'], '/a/b', 'shop/p-000'],
  ['the one that matches, last of many', [...many, '/a/{*}/c'], '/a/b/c', 'shop/p-040'],
];

for (const [fact, paths, path, policy] of firsts) {
  test(`of many rules the first that matches is named: ${fact}`, () => {
    assert.equal(judge(policiesFor(paths), { path }).policy, policy);
    const kept = paths.filter((candidate) => !many.includes(candidate));
    assert.equal(judge(policiesFor(kept), { path }).decision, 'ALLOW');
  });
}

test('rules that callers have in common keep their place among those that name a caller', () => {
  const named = ['b', 'c'].map((account) =>
    policyOf(
      `- {from: [{source: {principals: [cluster.local/ns/a/sa/${account}]}}], to: [{operation: {paths: ["/${account}"]}}]}`,
      { name: `p-020-${account}` },
    ),
  );
  const policy = compile([...policiesFor([...many, '/b', '/c']), ...named]);
  const ruleOf = (account: string, path: string): string =>
    policy.forConnection(connectionOf({ principal: `cluster.local/ns/a/sa/${account}` })).evaluate(requestOf({ path }))
      .policy;
  assert.equal(ruleOf('b', '/b'), 'shop/p-020-b');
  assert.equal(ruleOf('c', '/b'), 'shop/p-040');
  assert.equal(ruleOf('b', '/c'), 'shop/p-041');
  assert.equal(ruleOf('c', '/c'), 'shop/p-020-c');
  assert.equal(ruleOf('c', '/other/39/x'), 'shop/p-039');
  assert.equal(ruleOf('c', '/other/3/x'), 'shop/p-003');
  assert.equal(ruleOf('d', '/b'), 'shop/p-040');
});

test('one of many DENY rules goes before every ALLOW rule', () => {
  const policies = [...policiesFor(['*', ...many]), ...policiesFor([...many, '/a/*'], 'DENY')];
  const named = policies.map((policy, index) => ({ ...policy, metadata: { ...policy.metadata, name: `n-${index}` } }));
  assert.equal(judge(named, { path: '/a/b' }).action, 'DENY');
  assert.equal(judge(named, { path: '/b' }).action, 'ALLOW');
});

test('connections that are the same to the policies share what is worked out', () => {
  const policy = compile([policyOf('- {from: [{source: {namespaces: [web]}}], to: [{operation: {methods: [GET]}}]}')]);
  const connection = policy.forConnection(connectionOf({}));
  assert.equal(policy.forConnection(connectionOf({ sourceIp: '10.9.9.9', sni: 'x' })), connection);
  assert.notEqual(policy.forConnection(connectionOf({ principal: null })), connection);
  assert.notEqual(policy.forConnection(connectionOf({ port: 1 })), connection);
});

const asked: readonly [what: string, rule: string, one: object, other: object][] = [
  ['the peer’s address', 'source.ip, values: [10.0.0.1]', { sourceIp: '10.0.0.1' }, { sourceIp: '10.0.0.2' }],
  ['the address called', 'destination.ip, values: [10.0.0.2]', {}, { destinationIp: '10.0.0.3' }],
  ['the server name', 'connection.sni, values: [a]', { sni: 'a' }, { sni: 'b' }],
];

for (const [what, rule, one, other] of asked) {
  test(`connections share nothing that depends on ${what}`, () => {
    const policy = compile([policyOf(`- when: [{key: ${rule}}]`)]);
    const decide = (call: object): string =>
      policy.forConnection(connectionOf(call)).evaluate(requestOf(call)).decision;
    assert.deepEqual([decide(one), decide(other), decide(one)], ['ALLOW', 'DENY', 'ALLOW']);
  });
}

test('a plaintext caller is never taken for one with a name', () => {
  const rule = '- {from: [{source: {notPrincipals: ["*"]}}], when: [{key: source.ip, values: [10.0.0.1]}]}';
  const policy = compile([policyOf(rule)]);
  const decide = (principal: string | null): string =>
    policy.forConnection(connectionOf({ principal })).evaluate(requestOf({})).decision;
  assert.deepEqual([null, 'null', '[null]', null].map(decide), ['ALLOW', 'DENY', 'DENY', 'ALLOW']);
});

test('a rule of many paths takes each of them and no other', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', 'c');
  const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 40 }), path, (paths, wanted) => {
      const rule = `- to: [{operation: {paths: ${JSON.stringify(paths)}}}]`;
      assert.equal(judge([policyOf(rule)], { path: wanted }).decision, paths.includes(wanted) ? 'ALLOW' : 'DENY');
    }),
    { numRuns: 300 },
  );
});
