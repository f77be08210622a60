// Two readings of the rules, held against each other on random policies and calls.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseResource,
  toJson,
  type AuthorizationPolicy,
  type ConnectionPolicy,
  type Resource,
  type TokenFacts,
  type Verdict,
} from '../index.ts';
import { compile, connectionOf, EVERYTHING, requestOf, type Call } from '../testing/calls.ts';
import { naiveSelection, naiveVerdict, type NaiveQuestion, type NaiveVerdict } from '../testing/naive-evaluator.ts';
import type { AuthorizerDemand } from './authorizer-demand.ts';

/** The mesh that random policies are for: its name, its former name, and what its external authorizers speak. */
const RANDOM_MESH: {
  readonly trustDomain: string;
  readonly trustDomains: readonly string[];
  readonly providers: ReadonlyMap<string, 'http' | 'grpc'>;
} = {
  trustDomain: 'new-td',
  trustDomains: ['new-td', 'old-td'],
  providers: new Map([
    ['over-grpc', 'grpc'],
    ['over-http', 'http'],
  ]),
};

/** The mesh configuration that says so. */
function randomMeshConfig(): Resource {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'MeshConfig',
    metadata: { name: 'default', namespace: 'istio-system' },
    spec: {
      trustDomainAliases: ['old-td'],
      extensionProviders: [
        { name: 'over-grpc', envoyExtAuthzGrpc: { service: 'authz.shop.svc', port: 9000 } },
        { name: 'over-http', envoyExtAuthzHttp: { service: 'authz.shop.svc', port: 8000 } },
      ],
    },
  });
  if (!parsed.ok) throw new Error(parsed.problem.map(({ message }) => message).join('\n'));
  return parsed.value;
}

const ordinaryIdentity = fc
  .tuple(
    fc.constantFrom('new-td', 'old-td', 'cluster.local', 'foreign'),
    fc.constantFrom('web', 'shop', 'w', 'batch'),
    fc.constantFrom('frontend', 'batch', 'front'),
  )
  .map(([domain, namespace, account]) => `${domain}/ns/${namespace}/sa/${account}`);

/** Nearly what rules look for, longer, or with their words where these mean something else. */
const oddIdentity = fc.constantFrom(
  ...['new-td/xns/web/sa/frontend', 'ns/web/sa/frontend', 'new-td/ns/webs/sa/frontend', 'new-td/web'],
  ...['new-td/ns/web/sa/frontend/1', 'new-td/ns/web/sa/frontend/', 'new-td/ns/web/x/sa/frontend', 'new-td'],
  ...['new-td/ns/web/xsa/frontend', 'new-td/ns/a/ns/web/sa/frontend', 'new-td/ns/web//sa/frontend', 'new-td/ns/web/'],
);
const identity = fc.oneof({ arbitrary: ordinaryIdentity, weight: 5 }, { arbitrary: oddIdentity, weight: 1 });

const token: fc.Arbitrary<TokenFacts> = fc
  .record(
    {
      iss: fc.constantFrom('https://issuer', 'https://other', 'issuer', ''),
      sub: fc.constantFrom('alice', 'bob', '', '*'),
      aud: fc.constantFrom<unknown>('shop', ['shop', 'web'], [], 7, ['web', 7]),
      azp: fc.constantFrom<unknown>('app', ['app'], true),
      scope: fc.constantFrom<unknown>('read write', 'write', '', ['read', 'write'], ['read write']),
      permission: fc.constantFrom<unknown>('read  write', 'admin'),
      roles: fc.constantFrom<unknown>('read write', 'admin', ['admin']),
      groups: fc.constantFrom<unknown>('staff', ['staff', 'ops'], [['staff']], [{ staff: 'staff' }], null, ''),
      level: fc.constantFrom<unknown>(5, '5', true, 'true', ['5', 5]),
      nested: fc.constantFrom<unknown>({ a: 'x' }, { a: ['x', 1] }, { a: { b: 'x' } }, [{ a: 'x' }], 'x', {}),
      'a[b': fc.constantFrom<unknown>('x', ['x']),
    },
    { requiredKeys: ['iss'] },
  )
  .chain((claims) =>
    fc.constantFrom<string[]>([], ['roles'], ['sub', 'aud']).map((spaceDelimitedClaims) => ({
      principal: `${claims.iss}/${claims.sub ?? ''}`,
      issuer: claims.iss,
      subject: claims.sub ?? '',
      claims,
      spaceDelimitedClaims,
    })),
  );

/** Calls near what the policies below ask for, so that each side of every test is met. */
const anyCall: fc.Arbitrary<Call> = fc.record(
  {
    principal: fc.oneof({ arbitrary: identity, weight: 4 }, { arbitrary: fc.constant(null), weight: 1 }),
    sourceIp: fc.constantFrom('10.0.0.1', '10.1.2.3', '192.168.0.1'),
    destinationIp: fc.constantFrom('10.0.0.2', '10.9.0.1'),
    port: fc.constantFrom(80, 8080),
    sni: fc.constantFrom('', 'a.svc', 'b.svc'),
    method: fc.constantFrom('GET', 'POST', 'GETS', 'get', 'PATCH', 'PROPFIND'),
    path: fc.constantFrom(
      ...['/', '/a', '/a/', '/a/b', '/a/b/c', '/x/b', '/x/y/b', '/api/x', '/api/x/lines', '/api//lines'],
      ...['/store//cart', '/store/1/cart', '/store/cart', '/A', '/y', '/abc', '', '*'],
    ),
    host: fc.constantFrom('orders-api', 'Orders-API', 'orders-api:8080', 'x.example.com', ''),
    headers: fc.constantFrom<Record<string, string>>({}, { 'x-key': 'a' }, { 'x-key': 'ab' }, { 'x-key': '' }),
    token,
    remoteIp: fc.constantFrom('10.0.0.1', '203.0.113.7'),
  },
  { requiredKeys: ['principal', 'sourceIp', 'port', 'method', 'path', 'host', 'headers'] },
);

const some = (...values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values], { minLength: 1 });
const principals = fc.oneof(
  some('cluster.local/ns/web/sa/frontend', 'old-td/ns/shop/sa/batch', 'foreign/ns/web/sa/front'),
  some(
    ...['new-td/ns/web/*', '*-td/ns/web/sa/frontend', '*/sa/frontend', '*/ns/shop/sa/batch', '*batch', '*'],
    ...['new*/ns/w/sa/front', 'old-td/ns/batch/sa/batch'],
  ),
);
const namespaces = some('web', 'shop', 'w*', '*p', 'w*b', '*', 'a', 'b', 'c');
const accounts = some('frontend', 'web/frontend', 'batch', 'shop/batch', 'front');
const domains = some('new-td', 'old-td', 'cluster.local', 'foreign', 'old*', '*-td', '*');
const blocks = some('10.0.0.0/8', '10.1.0.0/16', '192.168.0.1', '0.0.0.0/0', '203.0.113.0/24');
const requestPrincipals = some(
  ...['*', 'https://issuer/alice', 'https://issuer/*', 'https://issuer*', 'https://issuer/al*', '*/alice'],
  ...['*issuer/alice', '*ice', 'issuer', 'https:*', '*/*', '**', 'https://issuer/', 'issuer/bob'],
);
const hosts = some('orders-api', 'ORDERS-API', 'orders-api:*', '*.example.com', '*');
const ports = some('80', '8080', '1');
const methods = fc.oneof(some('GET', 'POST', 'PATCH', 'HEAD'), some('GET', 'GET*', '*T', '*', 'PUT', 'PROPFIND'));
const paths = fc.oneof(
  some('/a', '/a/*', '*/b', '*', '/a/{**}', '/{*}/b', '/store/{**}/cart', '/api/*', '/x', '/y', '/z'),
  some('/a/b', '/a/b/*', '/ab*', '/api/{*}', '/api/{*}/lines', '/{*}', '/{*}/{*}', '/a*', '*c', '*/', '/', '/{**}'),
);
const claimValues = some(
  'read',
  'write',
  'read write',
  'x',
  'staff',
  's*',
  '*',
  '5',
  'true',
  'shop',
  'app',
  'admin',
  '**',
);

/** One to three of the fields. */
function partOf(fields: Record<string, fc.Arbitrary<string[]>>): fc.Arbitrary<Record<string, string[]>> {
  const names = fc.subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) });
  return fc
    .tuple(names, fc.record(fields))
    .map(([chosen, values]) => Object.fromEntries(chosen.map((name) => [name, values[name] ?? []])));
}

const addresses = { ipBlocks: blocks, notIpBlocks: blocks, remoteIpBlocks: blocks, notRemoteIpBlocks: blocks };
const tokens = { requestPrincipals, notRequestPrincipals: requestPrincipals };
const source = fc.oneof(
  partOf({
    ...{ principals, notPrincipals: principals, namespaces, notNamespaces: namespaces },
    ...{ trustDomains: domains, notTrustDomains: domains, ...addresses, ...tokens },
  }),
  partOf({ serviceAccounts: accounts, notServiceAccounts: accounts, ...addresses, ...tokens }),
  partOf({ principals }),
);
const operation = partOf({
  ...{ methods, notMethods: methods, paths, notPaths: paths, hosts, notHosts: hosts, ports, notPorts: ports },
});

const keyed = (key: string, values: fc.Arbitrary<string[]>): fc.Arbitrary<object> =>
  fc.oneof(
    values.map((list) => ({ key, values: list })),
    values.map((list) => ({ key, notValues: list })),
    fc.tuple(values, values).map(([list, notValues]) => ({ key, values: list, notValues })),
  );
const header = keyed('request.headers[X-Key]', some('a', 'a*', '*b', '*', 'z'));
const placeConditions = [
  header,
  keyed('source.ip', blocks),
  keyed('remote.ip', blocks),
  keyed('destination.ip', some('10.0.0.2', '10.9.0.0/16')),
  keyed('destination.port', ports),
  keyed('connection.sni', some('a.svc', '*.svc', '*', 'b*')),
];
const claims = ['aud', 'azp', 'scope', 'permission', 'roles', 'groups', 'level', 'nested', 'a[b', 'toString', 'iss'];
const callerConditions = [
  keyed('source.principal', principals),
  keyed('source.namespace', namespaces),
  keyed('source.serviceAccount', accounts),
  keyed('source.trustDomain', domains),
  keyed('request.auth.principal', requestPrincipals),
  keyed('request.auth.audiences', claimValues),
  keyed('request.auth.presenter', claimValues),
  fc.constantFrom(...claims).chain((name) => keyed(`request.auth.claims[${name}]`, claimValues)),
  fc.constantFrom('a', 'b').chain((name) => keyed(`request.auth.claims[nested][${name}]`, claimValues)),
];

const upTo2 = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 2 });

function ruleOf(from: fc.Arbitrary<object>, conditions: readonly fc.Arbitrary<object>[]): fc.Arbitrary<object> {
  const parts = {
    from: upTo2(from.map((value) => ({ source: value }))),
    to: upTo2(operation.map((value) => ({ operation: value }))),
    when: upTo2(fc.oneof(...conditions)),
  };
  return fc.oneof(
    fc.record(parts, { requiredKeys: [] }),
    fc.record({ from: parts.from, to: parts.to }, { requiredKeys: ['to'] }),
  );
}

interface Draft {
  readonly spec: object;
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly dryRun: boolean;
}

/** Mostly about the workload of the test, here and there about others. */
const place = {
  namespace: fc.constantFrom(...['shop', 'shop', 'shop', 'istio-system', 'istio-system', 'istio-system', 'web']),
  selector: fc.constantFrom<Draft['selector'][]>(
    ...[undefined, undefined, undefined, {}, { app: 'orders' }, { app: 'orders', tier: 'api' }],
    ...[{ app: 'users' }, { app: 'orders', tier: 'web' }, { toString: 'x' }],
  ),
};

const ordinary: fc.Arbitrary<Draft> = fc.record({
  spec: fc.record({
    action: fc.constantFrom('ALLOW', 'ALLOW', 'DENY', 'DENY', 'AUDIT'),
    rules: fc.array(ruleOf(source, [...placeConditions, ...callerConditions]), { minLength: 1, maxLength: 3 }),
  }),
  ...place,
  dryRun: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
});
/** CUSTOM is asked before anybody's identity is known. */
const custom: fc.Arbitrary<Draft> = fc.record({
  spec: fc.record({
    action: fc.constant('CUSTOM'),
    provider: fc.constantFrom('over-grpc', 'over-grpc', 'over-http', 'unknown').map((name) => ({ name })),
    rules: fc.array(ruleOf(partOf(addresses), placeConditions), { minLength: 1, maxLength: 2 }),
  }),
  ...place,
  dryRun: fc.constant(false),
});
const allowNothing: fc.Arbitrary<Draft> = fc
  .boolean()
  .map((dryRun) => ({ spec: { action: 'ALLOW' }, namespace: 'shop', selector: undefined, dryRun }));
const draft = fc.oneof(
  { arbitrary: ordinary, weight: 8 },
  { arbitrary: custom, weight: 4 },
  { arbitrary: allowNothing, weight: 1 },
);

/** Rules that name nobody, in such numbers that callers share them, among some that name callers one by one. */
const someCallers = some('new-td/ns/web/sa/frontend', 'foreign/ns/web/sa/front').map((names) => [
  { source: { principals: names } },
]);
const oneOperation = fc
  .tuple(paths, methods)
  .map(([[path = '*'], [method = '*']]) => [{ operation: { paths: [path], methods: [method] } }]);
const crowdRule = fc.oneof(
  { arbitrary: fc.record({ to: oneOperation }), weight: 3 },
  { arbitrary: fc.record({ from: someCallers, to: oneOperation }), weight: 1 },
);
const crowdOf = (...actions: readonly string[]): fc.Arbitrary<Draft[]> =>
  fc.array(
    fc.record({
      spec: fc.record({ action: fc.constantFrom(...actions), rules: upTo2(crowdRule) }),
      namespace: fc.constantFrom('shop', 'istio-system'),
      selector: fc.constant(undefined),
      dryRun: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
    }),
    { minLength: 20, maxLength: 50 },
  );

/** Policies of the workload shop/orders, in any order: mostly few, sometimes more than are looked at one by one. */
const anyPolicies: fc.Arbitrary<AuthorizationPolicy[]> = fc
  .oneof(
    { arbitrary: fc.array(draft, { maxLength: 5 }), weight: 5 },
    { arbitrary: fc.array(ordinary, { minLength: 10, maxLength: 30 }), weight: 1 },
    { arbitrary: fc.oneof(crowdOf('ALLOW', 'DENY', 'AUDIT'), crowdOf('AUDIT', 'AUDIT', 'ALLOW')), weight: 1 },
  )
  .chain((drafts) => fc.shuffledSubarray(drafts.map(policyOf), { minLength: drafts.length }));

function policyOf({ spec, namespace, selector, dryRun }: Draft, index: number): AuthorizationPolicy {
  const isTried = dryRun && !('action' in spec && spec.action === 'AUDIT');
  const parsed = parseResource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name: `policy-${index}`,
      namespace,
      ...(isTried ? { annotations: { 'istio.io/dry-run': 'true' } } : {}),
    },
    spec: { ...spec, ...(selector && { selector: { matchLabels: selector } }) },
  });
  if (parsed.ok && parsed.value.kind === 'AuthorizationPolicy') return parsed.value;
  throw new Error(`${JSON.stringify(spec)}: ${JSON.stringify(parsed)}`);
}

/** Pairs of policies and calls; more on demand. */
const PAIRS = Number(process.env['RAMPART_AGREEMENT_PAIRS'] ?? 200_000);
const CALLS = 100;
const RUNS = { numRuns: Math.ceil(PAIRS / CALLS) };
const CONFIG = randomMeshConfig();

const anyCalls = fc.array(anyCall, { minLength: CALLS, maxLength: CALLS });

function connect(policies: readonly AuthorizationPolicy[]): (call: Call) => ConnectionPolicy {
  const { trustDomain } = RANDOM_MESH;
  const policy = compile([CONFIG, ...policies], { trustDomain, capabilities: EVERYTHING });
  assert.deepEqual(policy.problems, []);
  return (call) => policy.forConnection(connectionOf(call));
}

/** That of `compile`. */
const WORKLOAD = { namespace: 'shop', rootNamespace: 'istio-system', labels: { app: 'orders', tier: 'api' } };

/** A verdict and a demand in the words of the naive evaluator. */
function inNaiveWords(verdict: Verdict, demand: AuthorizerDemand | undefined): NaiveVerdict {
  const isMatch = verdict.action !== '' && verdict.decision === (verdict.action === 'DENY' ? 'DENY' : 'ALLOW');
  return {
    decision: verdict.decision,
    by: isMatch ? `${verdict.policy} ${verdict.rule}` : '',
    demand: demand === undefined ? '' : describe(demand),
    audit: verdict.audit,
    dryRun: verdict.dryRun.map(({ policy, would }) => `${would} ${policy}`),
    dryRunDecision: verdict.dryRunDecision,
  };
}

function describe(demand: AuthorizerDemand): string {
  const { policy, rule } = demand.kind === 'ask' ? demand : demand.verdict;
  return `${demand.kind} ${policy} ${rule}`;
}

function agree(policies: readonly AuthorizationPolicy[], calls: readonly Call[]): NaiveVerdict[] {
  const connectionFor = connect(policies);
  const selected = naiveSelection(policies, WORKLOAD);
  return calls.map((call, index) => {
    const connection = connectionFor(call);
    const request = requestOf(call);
    const question: NaiveQuestion = { call, carries: 'http', ...RANDOM_MESH };
    const expected = naiveVerdict(selected, question);
    same(inNaiveWords(connection.evaluate(request), connection.demand(request)), expected);
    if (index % 10 === 0) {
      const overTcp = inNaiveWords(connection.evaluateTcp(), connection.demandTcp());
      same(overTcp, naiveVerdict(selected, { ...question, carries: 'tcp' }));
    }
    return expected;
  });
}

/** Strings are compared first, because a deep comparison costs as much as all the rest. */
function same(actual: NaiveVerdict, expected: NaiveVerdict): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) assert.deepEqual(actual, expected);
}

test('the evaluator says what a plain reading of the rules says', () => {
  const seen = { ALLOW: 0, DENY: 0, ask: 0, audit: 0, dryRun: 0 };
  fc.assert(
    fc.property(anyPolicies, anyCalls, (policies, calls) => {
      for (const verdict of agree(policies, calls)) {
        seen[verdict.decision] += 1;
        if (verdict.demand.startsWith('ask')) seen.ask += 1;
        if (verdict.audit.length > 0) seen.audit += 1;
        if (verdict.dryRunDecision !== '' && verdict.dryRunDecision !== verdict.decision) seen.dryRun += 1;
      }
    }),
    RUNS,
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > PAIRS / 100, `${what}: ${JSON.stringify(seen)}`);
});

test('the order in which policies arrive has no part in what is said', () => {
  const anyOrders = anyPolicies.chain((policies) =>
    fc.tuple(fc.constant(policies), fc.shuffledSubarray(policies, { minLength: policies.length })),
  );
  fc.assert(
    fc.property(anyOrders, fc.array(anyCall, { minLength: 5, maxLength: 5 }), ([policies, shuffled], calls) => {
      const [connectionFor, shuffledFor] = [connect(policies), connect(shuffled)];
      for (const call of calls) {
        const [verdict, other] = [connectionFor(call), shuffledFor(call)].map((each) => each.evaluate(requestOf(call)));
        assert.equal(JSON.stringify(verdict), JSON.stringify(other));
      }
    }),
    { numRuns: 1000 },
  );
});

test('what refuses a connection refuses every request on it', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const connection = connect(policies)(call);
      if (connection.admit() !== undefined) assert.equal(connection.evaluate(requestOf(call)).decision, 'DENY');
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
    { numRuns: 300 },
  );
});

test('every denial says why in one line', () => {
  fc.assert(
    fc.property(anyPolicies, anyCall, (policies, call) => {
      const { decision, reason } = connect(policies)(call).evaluate(requestOf(call));
      assert.match(reason, /^[^\n]+$/);
      if (decision === 'DENY') assert.match(reason, /rules\[\d+\]|has no rules/);
    }),
    { numRuns: 1000 },
  );
});
