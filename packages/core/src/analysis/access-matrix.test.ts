import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { accessMatrix, type AccessMatrix, type CallerAccess } from '../analysis.ts';
import type { Callee } from '../index.ts';
import { resourcesOf } from '../testing/documents.ts';

const ORDERS: Callee = {
  namespace: 'shop',
  serviceAccount: 'orders',
  labels: { app: 'orders' },
  service: { name: 'orders', namespace: 'shop' },
  port: 8080,
};
const WEB = 'cluster.local/ns/shop/sa/web';
const MESH = { rootNamespace: 'istio-system', trustDomain: 'cluster.local' };

function matrixOf(text: string, identities: readonly string[] = []): AccessMatrix {
  return accessMatrix(
    ORDERS,
    { ...MESH, resources: resourcesOf(text) },
    identities.map((principal) => ({ principal })),
  );
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

  test('knows whom NetworkPolicies keep out, and which tokens are needed', () => {
    const network = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-web, namespace: shop}
spec: {podSelector: {matchLabels: {app: orders}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}
---
apiVersion: rampart.dev/v1
kind: ServiceTokenPolicy
metadata: {name: scopes, namespace: shop}
spec: {issuer: "https://auth.example", audience: "service:orders", jwksUri: "https://auth.example/keys", rules: [{scopes: [read]}]}
`;
    const matrix = matrixOf(network, [WEB, 'cluster.local/ns/shop/sa/batch']);
    assert.deepEqual(matrix.network, ['shop/from-web']);
    assert.deepEqual(matrix.serviceTokens, [
      { policy: 'shop/scopes', issuer: 'https://auth.example', audience: 'service:orders' },
    ]);
    assert.equal(rowOf(matrix, 'identity', WEB).access, 'ALL');
    assert.match(rowOf(matrix, 'identity', 'cluster.local/ns/shop/sa/batch').reason, /NetworkPolicy|network/i);
  });

  const networkFrom = (from: string, more = ''): string =>
    `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np, namespace: shop}\nspec: {podSelector: {}, ${more}ingress: [{from: [${from}]}]}\n`;

  const networkRows: readonly {
    readonly rule: string;
    readonly text: string;
    readonly rows: Readonly<Record<string, string>>;
  }[] = [
    {
      rule: 'labels of no group are known, and plaintext has none',
      text: networkFrom('{podSelector: {matchLabels: {app: web}}}'),
      rows: {
        'identity shop/web': 'ALL',
        'identity shop/batch': 'NONE',
        'namespace shop': 'SOME with labels app=web',
        'namespace ops': 'NONE',
        'any-identity': 'SOME with labels app=web of namespace shop',
        plaintext: 'NONE',
      },
    },
    {
      rule: 'the address of a caller is not known',
      text: networkFrom('{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}'),
      rows: {
        'identity shop/web': 'SOME from 10.0.0.0/8 but 10.1.0.0/16',
        'namespace ops': 'SOME from 10.0.0.0/8 but 10.1.0.0/16',
        'any-identity': 'SOME from 10.0.0.0/8 but 10.1.0.0/16',
        plaintext: 'SOME from 10.0.0.0/8 but 10.1.0.0/16',
      },
    },
    {
      rule: 'a namespace is known by its name and its labels',
      text: networkFrom(
        '{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [ops]}]}}',
      ),
      rows: {
        'identity shop/web': 'NONE',
        'namespace shop': 'NONE',
        'namespace ops': 'ALL',
        'any-identity': 'SOME of a namespace with labels kubernetes.io/metadata.name in (ops)',
        plaintext: 'NONE',
      },
    },
    {
      rule: 'a rule without peers is for everybody',
      text: networkFrom('').replace('{from: []}', '{}'),
      rows: { 'identity shop/web': 'ALL', 'namespace ops': 'ALL', 'any-identity': 'ALL', plaintext: 'ALL' },
    },
    {
      rule: 'no rule lets nobody in',
      text: networkFrom('').replace('{from: []}', ''),
      rows: { 'identity shop/web': 'NONE', 'namespace shop': 'NONE', 'any-identity': 'NONE', plaintext: 'NONE' },
    },
    {
      rule: 'a rule for another port lets nobody in',
      text: networkFrom('').replace('{from: []}', '{ports: [{port: 9090}]}'),
      rows: { 'identity shop/web': 'NONE', 'any-identity': 'NONE', plaintext: 'NONE' },
    },
    {
      rule: 'egress of the namespace that calls counts',
      text: networkFrom('')
        .replace('{from: []}', '')
        .replace('podSelector', 'policyTypes: [Egress], podSelector')
        .replace('namespace: shop', 'namespace: ops'),
      rows: { 'identity shop/web': 'ALL', 'namespace ops': 'NONE', plaintext: 'ALL' },
    },
  ];
  for (const { rule, text, rows } of networkRows) {
    test(`NetworkPolicies: ${rule}`, () => {
      const audit = policyText('{action: AUDIT, rules: [{from: [{source: {namespaces: [shop, ops]}}]}]}');
      const { callers } = matrixOf(`${text}---\n${audit}`, [WEB, 'cluster.local/ns/shop/sa/batch']);
      const shown = callers.map(({ caller: { kind, name }, access, network }) => [
        `${kind} ${name.replace(/^cluster\.local\/ns\/(.+)\/sa\//, '$1/')}`.trim(),
        [access, ...network].join(' '),
      ]);
      for (const [caller, access] of Object.entries(rows))
        assert.equal(Object.fromEntries(shown)[caller], access, caller);
    });
  }

  test('dry-run policies are listed and change nothing', () => {
    const dry = policyText('{}').replace('namespace: shop', 'namespace: shop, annotations: {istio.io/dry-run: "true"}');
    const matrix = matrixOf(dry);
    assert.deepEqual([matrix.byDefault, matrix.policies.dryRun], ['ALLOW', ['shop/one']]);
  });
});
