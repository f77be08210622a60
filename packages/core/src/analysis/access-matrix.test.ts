import fc from 'fast-check';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { accessMatrix, isUnconditional, type AccessMatrix, type CallerAccess, type Grant } from '../analysis.ts';
import { judgeQuestion, type AuthorizationPolicy, type Callee, type MeshFacts } from '../index.ts';
import { resourcesOf } from '../testing/documents.ts';
import { naiveDecision } from '../testing/naive-evaluator.ts';
import { anyRequest, anyRule, policyOf, WEB } from '../testing/random-rules.fixture.ts';

const ORDERS: Callee = {
  namespace: 'shop',
  serviceAccount: 'orders',
  labels: { app: 'orders' },
  service: { name: 'orders', namespace: 'shop' },
  port: 8080,
};
const MESH = { rootNamespace: 'istio-system', trustDomain: 'cluster.local' };

function matrixOf(text: string, identities: readonly string[] = []): AccessMatrix {
  return accessMatrix(ORDERS, { ...MESH, resources: resourcesOf(text) }, identities);
}

function rowOf(matrix: AccessMatrix, kind: string, name = ''): CallerAccess {
  const row = matrix.callers.find(({ caller }) => caller.kind === kind && caller.name === name);
  assert.ok(row, `no row for ${kind} ${name}`);
  return row;
}

const policyText = (spec: string, name = 'one'): string =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`;

suite('the access matrix', () => {
  test('without policies is open to everyone', () => {
    const matrix = matrixOf('', [WEB]);
    assert.equal(matrix.byDefault, 'ALLOW');
    assert.deepEqual(
      matrix.callers.map(({ caller, access }) => `${caller.kind} ${access}`),
      ['identity ALL', 'any-identity ALL', 'plaintext ALL'],
    );
  });

  test('gives a row to every caller that a policy names, and the rest of a namespace', () => {
    const rules = '[{from: [{source: {namespaces: [ops]}}, {source: {serviceAccounts: [batch]}}]}]';
    const { callers } = matrixOf(policyText(`{rules: ${rules}}`));
    assert.deepEqual(
      callers.map(({ caller, access }) => `${caller.kind} ${caller.name} ${access}`),
      ['identity cluster.local/ns/shop/sa/batch ALL', 'namespace ops ALL', 'any-identity  NONE', 'plaintext  NONE'],
    );
  });

  test('leaves of a rule what the caller does not settle', () => {
    const rules = `[{from: [{source: {principals: [${WEB}], ipBlocks: [10.0.0.0/8]}}], to: [{operation: {methods: [GET]}}]}]`;
    const { access, allowed } = rowOf(matrixOf(policyText(`{rules: ${rules}}`)), 'identity', WEB);
    assert.equal(access, 'SOME');
    assert.deepEqual(allowed, [
      {
        policy: 'shop/one',
        rule: 0,
        operations: [{ methods: ['GET'] }],
        sources: [{ ipBlocks: ['10.0.0.0/8'] }],
        conditions: [],
      },
    ]);
  });

  test('says why plaintext is refused', () => {
    const strict =
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n';
    const matrix = matrixOf(strict);
    assert.equal(matrix.tls.describe, 'STRICT from namespace shop');
    assert.match(rowOf(matrix, 'plaintext').reason, /^plaintext refused/);
    assert.equal(rowOf(matrix, 'any-identity').access, 'ALL');
  });

  test('a DENY rule without conditions leaves nothing, one with conditions leaves the rest', () => {
    const total = matrixOf(policyText('{action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}]}]}'), [WEB]);
    assert.equal(rowOf(total, 'any-identity').reason, 'rules[0] of DENY policy shop/one denies everything');
    assert.equal(rowOf(total, 'identity', WEB).access, 'ALL');
    const some = matrixOf(policyText('{action: DENY, rules: [{to: [{operation: {paths: [/admin*]}}]}]}'));
    const { access, allowed, denied } = rowOf(some, 'any-identity');
    assert.deepEqual([access, allowed, denied.length], ['SOME', 'everything', 1]);
  });

  test('dry-run policies are listed and change nothing', () => {
    const dry = policyText('{}').replace('namespace: shop', 'namespace: shop, annotations: {istio.io/dry-run: "true"}');
    const matrix = matrixOf(dry);
    assert.deepEqual([matrix.byDefault, matrix.policies.dryRun], ['ALLOW', ['shop/one']]);
  });
});

const anyPolicies = fc.array(
  fc.record({ action: fc.constantFrom('ALLOW', 'DENY'), rules: fc.array(anyRule, { minLength: 1, maxLength: 2 }) }),
  { maxLength: 3 },
);

/** A grant read back as a policy that is about one caller only. */
function policyOfGrant(action: string, grants: readonly Grant[]): AuthorizationPolicy {
  const rules = grants.map(({ operations, sources, conditions }) => ({
    ...(sources.length === 0 ? {} : { from: sources.map((source) => ({ source })) }),
    ...(operations.length === 0 ? {} : { to: operations.map((operation) => ({ operation })) }),
    when: conditions,
  }));
  return policyOf('row', { action, rules });
}

/** What a row says about a request, read naively. */
function decisionOf(row: CallerAccess, request: Parameters<typeof naiveDecision>[1]): string {
  if (row.access !== 'SOME') return row.access === 'ALL' ? 'ALLOW' : 'DENY';
  const { allowed, denied } = row;
  return naiveDecision(
    [
      ...(allowed === 'everything' ? [] : [policyOfGrant('ALLOW', allowed)]),
      ...(denied.length === 0 ? [] : [policyOfGrant('DENY', denied)]),
    ],
    request,
  );
}

test('every row of the matrix says what the engine decides', () => {
  const seen = { ALL: 0, SOME: 0, NONE: 0 };
  fc.assert(
    fc.property(anyPolicies, anyRequest, (specs, request) => {
      const mesh: MeshFacts = { ...MESH, resources: specs.map((spec, index) => policyOf(`policy-${index}`, spec)) };
      for (const row of accessMatrix(ORDERS, mesh, [WEB, 'cluster.local/ns/web/sa/front']).callers) {
        const { principal } = row.caller;
        seen[row.access] += 1;
        const { port, ...rest } = request;
        const question = { ...rest, from: principal ?? '', to: { ...ORDERS, port }, host: 'orders.shop' };
        const expected = decisionOf(row, { ...request, principal: principal ?? null });
        assert.equal(judgeQuestion(question, mesh).decision, expected, JSON.stringify(row));
        const { allowed } = row;
        if (row.access === 'ALL' && allowed !== 'everything') assert.ok(allowed.some(isUnconditional));
      }
    }),
    { numRuns: 4000 },
  );
  assert.ok(seen.ALL > 1000 && seen.SOME > 1000 && seen.NONE > 1000, JSON.stringify(seen));
});
