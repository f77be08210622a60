// What the analyses claim, held against the engine on random rules and requests.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessMatrix, isUnconditional, type CallerAccess, type Grant } from '../analysis.ts';
import { judgeQuestion, parseResource, type AuthorizationPolicy, type Callee, type MeshFacts } from '../index.ts';
import { judge } from '../testing/calls.ts';
import { naiveDecision } from '../testing/naive-evaluator.ts';
import { ruleCovers } from './lint/coverage.ts';

interface RandomRequest {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly sourceIp: string;
}

const WEB = 'cluster.local/ns/shop/sa/web';

const some = (...values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values], { minLength: 1 });
function partOf(fields: Record<string, fc.Arbitrary<string[]>>): fc.Arbitrary<Record<string, string[]>> {
  const names = fc.subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) });
  return fc
    .tuple(names, fc.record(fields))
    .map(([chosen, values]) => Object.fromEntries(chosen.map((name) => [name, values[name] ?? []])));
}
const principals = some(WEB, 'cluster.local/ns/web/sa/batch', 'cluster.local/ns/web/*', '*/sa/web', '*');
const namespaces = some('web', 'shop', 'w*', '*');
const ports = some('80', '8080');
const paths = some('/a', '/a/*', '*/b', '/{*}/b', '*');
const methods = some('GET', 'POST', '*T');
const blocks = some('10.0.0.0/8', '10.1.0.0/16', '192.168.0.1');
const anySource = fc.oneof(
  partOf({ principals, notPrincipals: principals, namespaces, notNamespaces: namespaces, ipBlocks: blocks }),
  partOf({ serviceAccounts: some('web', 'web/batch'), notIpBlocks: blocks }),
);
const anyOperation = partOf({ methods, notMethods: methods, paths, notPaths: paths, ports, notPorts: ports });
const anyCondition = fc.oneof(
  principals.map((values) => ({ key: 'source.principal', values })),
  namespaces.map((notValues) => ({ key: 'source.namespace', notValues })),
  some('a', 'a*').map((values) => ({ key: 'request.headers[x-key]', values })),
);
const upTo2 = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 2 });
/** A rule near the requests below, so that both sides of every test are met. */
const anyRule: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    from: upTo2(anySource.map((source) => ({ source }))),
    to: upTo2(anyOperation.map((operation) => ({ operation }))),
    when: upTo2(anyCondition),
  },
  { requiredKeys: [] },
);
const anyRequest: fc.Arbitrary<RandomRequest> = fc.record({
  port: fc.constantFrom(80, 8080),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.constantFrom('/', '/a', '/a/b', '/x/b'),
  headers: fc.constantFrom<Record<string, string>>({}, { 'x-key': 'ab' }),
  sourceIp: fc.constantFrom('10.0.0.1', '10.1.2.3', '192.168.0.1'),
});

/** A policy of namespace shop from its spec as JSON. */
function policyOf(name: string, spec: object): AuthorizationPolicy {
  const parsed = parseResource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'shop' },
    spec,
  });
  assert.ok(parsed.ok && parsed.value.kind === 'AuthorizationPolicy');
  return parsed.value;
}

const ORDERS: Callee = {
  namespace: 'shop',
  serviceAccount: 'orders',
  labels: { app: 'orders' },
  service: { name: 'orders', namespace: 'shop' },
  port: 8080,
};
const MESH = { rootNamespace: 'istio-system', trustDomain: 'cluster.local' };

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
      for (const row of accessMatrix(ORDERS, mesh, [{ principal: WEB }, { principal: 'cluster.local/ns/web/sa/front' }])
        .callers) {
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

const anyLabels = fc.constantFrom<Record<string, string>>({}, { app: 'web' }, { app: 'orders', tier: 'a' });
const anySelector = fc.constantFrom<object>(
  {},
  { matchLabels: { app: 'web' } },
  { matchLabels: { app: 'orders' } },
  { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
);
const anyNamespaceSelector = fc.constantFrom<object>(
  {},
  { matchLabels: { 'kubernetes.io/metadata.name': 'web' } },
  { matchLabels: { team: 'a' } },
);
const anyPeer = fc.oneof(
  fc.record({ podSelector: anySelector }),
  fc.record({ namespaceSelector: anyNamespaceSelector }),
  fc.record({ podSelector: anySelector, namespaceSelector: anyNamespaceSelector }),
  fc.record({
    ipBlock: fc.constantFrom<object>({ cidr: '10.0.0.0/8' }, { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }),
  }),
);
const anyPort = fc.constantFrom<object>({}, { ports: [{ port: 8080 }] }, { ports: [{ port: 9090 }] });
const anyPeers = fc.array(anyPeer, { maxLength: 2 });
const anyNetwork = fc.record({
  namespace: fc.constantFrom('shop', 'shop', 'web'),
  podSelector: anySelector,
  policyTypes: fc.subarray(['Ingress', 'Egress'], { minLength: 1 }),
  ingress: fc.array(fc.tuple(anyPeers, anyPort), { maxLength: 2 }),
  egress: fc.array(fc.tuple(anyPeers, anyPort), { maxLength: 2 }),
});

type NetworkSpec = typeof anyNetwork extends fc.Arbitrary<infer Spec> ? Spec : never;

/** The policies, a Namespace, and a policy that denies nothing and names both namespaces, so that they have rows. */
function networkMesh(specs: readonly NetworkSpec[]): MeshFacts {
  const documents = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web', labels: { team: 'a' } } },
    ...specs.map(({ namespace, ingress, egress, ...spec }, index) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `network-${index}`, namespace },
      spec: {
        ...spec,
        ...(spec.policyTypes.includes('Ingress')
          ? { ingress: ingress.map(([from, more]) => ({ from, ...more })) }
          : {}),
        ...(spec.policyTypes.includes('Egress') ? { egress: egress.map(([to, more]) => ({ to, ...more })) } : {}),
      },
    })),
  ];
  const resources = documents.map((document) => {
    const parsed = parseResource(document);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.value;
  });
  const named = policyOf('named', {
    action: 'AUDIT',
    rules: [{ from: [{ source: { namespaces: ['shop', 'web'] } }] }],
  });
  return { ...MESH, resources: [...resources, named] };
}

test('what a row claims of NetworkPolicies holds for every member of its group', () => {
  const seen = { ALL: 0, SOME: 0, NONE: 0 };
  const address = fc.constantFrom('10.0.0.1', '10.1.2.3', '192.168.0.1');
  fc.assert(
    fc.property(fc.array(anyNetwork, { maxLength: 3 }), anyLabels, address, (specs, labels, sourceIp) => {
      const mesh = networkMesh(specs);
      for (const row of accessMatrix(ORDERS, mesh, [{ principal: WEB, labels }]).callers) {
        const { kind, name } = row.caller;
        seen[row.access] += 1;
        if (row.access === 'SOME') continue;
        const member = kind === 'namespace' ? `cluster.local/ns/${name}/sa/any` : 'cluster.local/ns/other/sa/any';
        const from = kind === 'identity' ? name : kind === 'plaintext' ? '' : member;
        const question = {
          from,
          callerLabels: [labels],
          to: ORDERS,
          method: 'GET',
          path: '/',
          host: '',
          headers: {},
          sourceIp,
        };
        const { decision } = judgeQuestion(question, mesh);
        assert.equal(decision, row.access === 'ALL' ? 'ALLOW' : 'DENY', `${kind} ${name} ${row.reason}`);
      }
    }),
    { numRuns: 4000 },
  );
  assert.ok(seen.ALL > 1000 && seen.SOME > 1000 && seen.NONE > 1000, JSON.stringify(seen));
});

test('what a covered rule matches, the rule that covers it matches as well', () => {
  const callers = fc.constantFrom(WEB, 'cluster.local/ns/web/sa/batch', 'cluster.local/ns/w/sa/x', null);
  let covered = 0;
  fc.assert(
    fc.property(anyRule, anyRule, fc.array(fc.tuple(anyRequest, callers), { minLength: 5 }), (a, b, requests) => {
      const wide = policyOf('wide', { rules: [a] });
      const narrow = policyOf('narrow', { rules: [b] });
      const [first] = wide.spec.rules ?? [];
      const [second] = narrow.spec.rules ?? [];
      assert.ok(first !== undefined && second !== undefined);
      if (!ruleCovers(first, second)) return;
      covered += 1;
      for (const [request, principal] of requests) {
        const call = { ...request, principal };
        if (judge([narrow], call).decision === 'ALLOW') assert.equal(judge([wide], call).decision, 'ALLOW');
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(covered > 100, `only ${covered} rules were covered`);
});
