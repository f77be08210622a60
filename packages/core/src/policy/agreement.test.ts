import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, toJson, type AuthorizationPolicy } from '../index.ts';
import { compile, connectionOf, judge, requestOf, type Call } from '../testing/calls.ts';
import { naiveDecision } from '../testing/naive-evaluator.ts';

const NAMES = ['web', 'shop', 'w', 'batch'] as const;
const identity = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('frontend', 'batch', 'front'))
  .map(([namespace, account]) => `cluster.local/ns/${namespace}/sa/${account}`);
const paths = ['/', '/a', '/a/', '/a/b', '/a/b/c', '/api/x', '/store//cart', '/store/1/cart', '/A', ''] as const;
const methods = ['GET', 'POST', 'GETS', 'get'] as const;

/** Calls near what the policies below ask for, so that each side of every test is met. */
const anyCall: fc.Arbitrary<Call> = fc.record(
  {
    principal: fc.oneof({ arbitrary: identity, weight: 4 }, { arbitrary: fc.constant(null), weight: 1 }),
    sourceIp: fc.constantFrom('10.0.0.1', '10.1.2.3', '192.168.0.1'),
    port: fc.constantFrom(80, 8080),
    method: fc.constantFrom(...methods),
    path: fc.constantFrom(...paths),
    host: fc.constantFrom('orders-api', 'Orders-API', 'orders-api:8080', 'x.example.com', ''),
    headers: fc.constantFrom({}, { 'x-key': 'a' }, { 'x-key': 'ab' }, { 'x-key': '' }),
  },
  { requiredKeys: ['principal', 'sourceIp', 'port', 'method', 'path', 'host', 'headers'] },
);

const some = (...values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values], { minLength: 1 });
const principals = some(
  'cluster.local/ns/web/sa/frontend',
  'cluster.local/ns/shop/sa/batch',
  'cluster.local/ns/web/*',
  '*/sa/frontend',
  '*batch',
  '*',
);
const namespaces = some('web', 'shop', 'w*', '*p', 'w*b', '*', 'a', 'b', 'c');
const accounts = some('frontend', 'web/frontend', 'batch', 'shop/batch', 'front');
const blocks = some('10.0.0.0/8', '10.1.0.0/16', '192.168.0.1', '0.0.0.0/0');
const hosts = some('orders-api', 'ORDERS-API', 'orders-api:*', '*.example.com', '*');
const ports = some('80', '8080', '1');
const methodLists = some('GET', 'POST', 'GET*', '*T', '*', 'PUT', 'PATCH');
const pathLists = some('/a', '/a/*', '*/b', '*', '/a/{**}', '/{*}/b', '/store/{**}/cart', '/api/*', '/x', '/y', '/z');
const headerValues = some('a', 'a*', '*b', '*', 'z');

/** One to three of the fields. */
function partOf(fields: Record<string, fc.Arbitrary<string[]>>): fc.Arbitrary<Record<string, string[]>> {
  const names = fc.subarray(Object.keys(fields), { minLength: 1, maxLength: 3 });
  return fc
    .tuple(names, fc.record(fields))
    .map(([chosen, values]) => Object.fromEntries(chosen.map((name) => [name, values[name] ?? []])));
}

const source = fc.oneof(
  partOf({
    principals,
    notPrincipals: principals,
    namespaces,
    notNamespaces: namespaces,
    ipBlocks: blocks,
    notIpBlocks: blocks,
  }),
  partOf({ serviceAccounts: accounts, notServiceAccounts: accounts, ipBlocks: blocks }),
);
const operation = partOf({
  methods: methodLists,
  notMethods: methodLists,
  paths: pathLists,
  notPaths: pathLists,
  hosts,
  notHosts: hosts,
  ports,
  notPorts: ports,
});
const keyed = (key: string, values: fc.Arbitrary<string[]>): fc.Arbitrary<object> =>
  fc.oneof(
    values.map((list) => ({ key, values: list })),
    values.map((list) => ({ key, notValues: list })),
  );
const condition = fc.oneof(
  keyed('request.headers[X-Key]', headerValues),
  keyed('source.principal', principals),
  keyed('source.namespace', namespaces),
  keyed('source.serviceAccount', accounts),
  keyed('source.ip', blocks),
  keyed('destination.port', ports),
);
const upTo2 = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 2 });
const rule = fc.record(
  {
    from: upTo2(source.map((value) => ({ source: value }))),
    to: upTo2(operation.map((value) => ({ operation: value }))),
    when: upTo2(condition),
  },
  { requiredKeys: [] },
);

const policy = fc
  .record({
    action: fc.constantFrom('ALLOW', 'DENY'),
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
    inRoot: fc.boolean(),
  })
  .map(({ action, rules, inRoot }) => ({ spec: { action, rules }, namespace: inRoot ? 'istio-system' : 'shop' }));

/** Up to four policies of the workload shop/orders, in any order. */
const anyPolicies: fc.Arbitrary<AuthorizationPolicy[]> = fc.array(policy, { maxLength: 4 }).map((drafts) =>
  drafts.map(({ spec, namespace }, index) => {
    const metadata = { name: `policy-${index}`, namespace };
    const parsed = parseResource({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec });
    assert.ok(parsed.ok && parsed.value.kind === 'AuthorizationPolicy');
    return parsed.value;
  }),
);

const RUNS = { numRuns: 4000 };

test('the evaluator decides what a plain reading of the rules decides', () => {
  const seen = { ALLOW: 0, DENY: 0 };
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const expected = naiveDecision(policies, call);
      seen[expected] += 1;
      assert.equal(judge(policies, call).decision, expected);
    }),
    RUNS,
  );
  assert.ok(seen.ALLOW > RUNS.numRuns / 10 && seen.DENY > RUNS.numRuns / 10, JSON.stringify(seen));
});

test('the order of policies has no part in the verdict', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      assert.deepEqual(judge(policies.toReversed(), call), judge(policies, call));
    }),
    { numRuns: 1000 },
  );
});

test('what refuses a connection refuses every request on it', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = compile(policies).forConnection(connectionOf(call));
      if (connection.admit() !== undefined) assert.equal(connection.evaluate(requestOf(call)).decision, 'DENY');
    }),
    { numRuns: 1000 },
  );
});

test('traffic without HTTP is never allowed what HTTP on the same connection could not be', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = compile(policies).forConnection(connectionOf(call));
      if (connection.evaluateTcp().decision === 'ALLOW') {
        assert.equal(connection.evaluate(requestOf(call)).decision, 'ALLOW');
      }
    }),
    { numRuns: 1000 },
  );
});

test('a policy says the same after a journey over the wire', () => {
  fc.assert(
    fc.property(anyPolicies, (policies) => {
      for (const policy of policies) {
        const parsed = parseResource(JSON.parse(toJson(policy)));
        assert.ok(parsed.ok);
        assert.deepEqual(parsed.value, policy);
      }
    }),
    { numRuns: 500 },
  );
});

test('every denial says why in one line', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const { decision, reason } = judge(policies, call);
      assert.match(reason, /^[^\n]+$/);
      if (decision === 'DENY') assert.match(reason, /rules\[\d+\]|has no rules/);
    }),
    { numRuns: 1000 },
  );
});
