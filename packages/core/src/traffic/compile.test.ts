import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTraffic, type TrafficRules } from '../index.ts';
import { resourcesOf } from '../testing/documents.ts';

const VIRTUAL_SERVICE = 'apiVersion: networking.istio.io/v1\nkind: VirtualService\n';
const DESTINATION_RULE = 'apiVersion: networking.istio.io/v1\nkind: DestinationRule\n';
const SERVICE_ENTRY = 'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n';

interface Place {
  readonly name?: string;
  readonly namespace?: string;
}

const metadata = ({ name = 'rule', namespace = 'shop' }: Place): string =>
  `metadata: {name: ${name}, namespace: ${namespace}}\n`;
const virtualService = (spec: string, place: Place = {}): string =>
  `${VIRTUAL_SERVICE}${metadata(place)}spec: ${spec}\n---\n`;
const destinationRule = (spec: string, place: Place = {}): string =>
  `${DESTINATION_RULE}${metadata(place)}spec: ${spec}\n---\n`;
const serviceEntry = (spec: string, place: Place = {}): string =>
  `${SERVICE_ENTRY}${metadata(place)}spec: ${spec}\n---\n`;

interface CallerOptions {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
}

function rulesOf(text: string, { namespace = 'shop', labels = {} }: CallerOptions = {}): TrafficRules {
  return compileTraffic({
    workload: { namespace, labels },
    resources: resourcesOf(text),
    rootNamespace: 'istio-system',
  });
}

interface RequestOptions {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string | string[]>;
}

/** Where the rules send a request of shop's orders-api: "host/subset", "none" for no route, "-" for no rules. */
function destinationOf(text: string, request: RequestOptions = {}, caller: CallerOptions = {}): string {
  const rules = rulesOf(text, caller).forService('shop', 'orders-api', 80);
  if (rules?.route === undefined) return '-';
  const { method = 'GET', url = '/', headers = {} } = request;
  const route = rules.route({ method, url, headers, authority: 'orders-api' });
  const [first] = route?.destinations ?? [];
  return first === undefined ? 'none' : `${first.host.replace('.svc.cluster.local', '')}/${first.subset ?? ''}`;
}

const to = (subset: string): string => `route: [{destination: {host: orders-api, subset: ${subset}}}]`;
const matching = (match: string): string =>
  virtualService(`{hosts: [orders-api], http: [{match: [${match}], ${to('hit')}}, {${to('miss')}}]}`);

const matches: readonly (readonly [rule: string, match: string, request: RequestOptions, hits: boolean])[] = [
  ['exact asks for the whole path', '{uri: {exact: /a}}', { url: '/a' }, true],
  ['exact is not a prefix', '{uri: {exact: /a}}', { url: '/a/b' }, false],
  ['the query is no part of the path', '{uri: {exact: /a}}', { url: '/a?b=c' }, true],
  ['prefix is a prefix of letters', '{uri: {prefix: /a}}', { url: '/about' }, true],
  ['regex is held against the whole path', '{uri: {regex: "/a[0-9]+"}}', { url: '/a12/b' }, false],
  ['regex without query', '{uri: {regex: "/a[0-9]+"}}', { url: '/a12?b' }, true],
  ['case counts', '{uri: {prefix: /A}}', { url: '/a' }, false],
  ['ignoreUriCase', '{uri: {prefix: /A}, ignoreUriCase: true}', { url: '/a' }, true],
  ['method', '{method: {exact: POST}}', { method: 'POST' }, true],
  ['a header', '{headers: {x-user: {exact: ann}}}', { headers: { 'x-user': 'ann' } }, true],
  ['a header that is absent', '{headers: {x-user: {exact: ann}}}', {}, false],
  ['an empty match asks for presence', '{headers: {x-user: {}}}', { headers: { 'x-user': '' } }, true],
  ['presence of a header that is absent', '{headers: {x-user: {}}}', {}, false],
  ['several values are joined', '{headers: {a: {exact: "b,c"}}}', { headers: { a: ['b', 'c'] } }, true],
  ['a name of every object is no header', '{headers: {constructor: {}}}', {}, false],
  ['withoutHeaders: absent', '{withoutHeaders: {x-user: {}}}', {}, true],
  ['withoutHeaders: present', '{withoutHeaders: {x-user: {}}}', { headers: { 'x-user': 'a' } }, false],
  ['withoutHeaders: another value', '{withoutHeaders: {a: {exact: b}}}', { headers: { a: 'c' } }, true],
  ['a parameter', '{queryParams: {v: {exact: "2"}}}', { url: '/?a=1&v=2' }, true],
  ['a parameter without value', '{queryParams: {v: {exact: ""}}}', { url: '/?v' }, true],
  ['the first of several parameters', '{queryParams: {v: {exact: "2"}}}', { url: '/?v=1&v=2' }, false],
  ['all conditions of a match', '{uri: {prefix: /a}, method: {exact: POST}}', { url: '/a' }, false],
  ['any of the matches', '{uri: {prefix: /b}}, {uri: {prefix: /a}}', { url: '/a' }, true],
  ['sourceNamespace', '{sourceNamespace: shop}', {}, true],
  ['another sourceNamespace', '{sourceNamespace: web}', {}, false],
  ['sourceLabels that the caller lacks', '{sourceLabels: {app: web}}', {}, false],
  ['port', '{port: 80}', {}, true],
  ['another port', '{port: 81}', {}, false],
  ['the gateway "mesh"', '{gateways: [mesh]}', {}, true],
];

for (const [rule, match, request, hits] of matches) {
  test(`HTTPMatchRequest: ${rule}`, () => {
    assert.equal(destinationOf(matching(match), request), `orders-api.shop/${hits ? 'hit' : 'miss'}`);
  });
}

test('the first route that matches counts, and a request that none is about has none', () => {
  const text = virtualService(
    `{hosts: [orders-api], http: [{match: [{uri: {prefix: /a}}], ${to('one')}}, {match: [{uri: {prefix: /a/b}}], ${to('two')}}]}`,
  );
  assert.equal(destinationOf(text, { url: '/a/b' }), 'orders-api.shop/one');
  assert.equal(destinationOf(text, { url: '/c' }), 'none');
});

const about = (host: string, subset: string, place: Place & { exportTo?: string } = {}): string =>
  virtualService(
    `{hosts: [${JSON.stringify(host)}], http: [{route: [{destination: {host: orders-api.shop.svc.cluster.local, subset: ${subset}}}]}]` +
      `${place.exportTo === undefined ? '' : `, exportTo: [${JSON.stringify(place.exportTo)}]`}}`,
    { name: subset, ...place },
  );

const precedence: readonly (readonly [rule: string, text: string, caller: CallerOptions, expected: string])[] = [
  ['a short name is of the rule’s namespace', about('orders-api', 'a'), {}, 'orders-api.shop/a'],
  [
    'of another namespace it is another service',
    about('orders-api', 'a', { namespace: 'web' }),
    { namespace: 'web' },
    '-',
  ],
  ['name and namespace are enough', about('orders-api.shop', 'a'), {}, 'orders-api.shop/a'],
  ['the service’s rule is for all who call it', about('orders-api', 'a'), { namespace: 'web' }, 'orders-api.shop/a'],
  ['exportTo "." keeps it in its namespace', about('orders-api', 'a', { exportTo: '.' }), { namespace: 'web' }, '-'],
  [
    'exportTo names a namespace',
    about('orders-api', 'a', { exportTo: 'web' }),
    { namespace: 'web' },
    'orders-api.shop/a',
  ],
  [
    'a caller’s namespace has rules of its own',
    about('orders-api.shop', 'theirs', { namespace: 'web' }) + about('orders-api', 'ours'),
    { namespace: 'web' },
    'orders-api.shop/theirs',
  ],
  [
    'which are nobody else’s',
    about('orders-api.shop', 'theirs', { namespace: 'web' }) + about('orders-api', 'ours'),
    { namespace: 'other' },
    'orders-api.shop/ours',
  ],
  [
    'a third namespace says nothing of it',
    about('orders-api.shop', 'theirs', { namespace: 'web', exportTo: '*' }),
    { namespace: 'other' },
    '-',
  ],
  [
    'the root’s come last',
    about('orders-api.shop', 'root', { namespace: 'istio-system' }) + about('orders-api', 'ours'),
    {},
    'orders-api.shop/ours',
  ],
  [
    'the root’s are for everybody',
    about('orders-api.shop', 'root', { namespace: 'istio-system' }),
    { namespace: 'web' },
    'orders-api.shop/root',
  ],
  [
    'a name comes before a pattern',
    about('*.shop.svc.cluster.local', 'pattern') + about('orders-api.shop', 'root', { namespace: 'istio-system' }),
    {},
    'orders-api.shop/root',
  ],
  [
    'the longest pattern counts',
    about('*.cluster.local', 'long', { namespace: 'istio-system' }) + about('*.shop.svc.cluster.local', 'longer'),
    {},
    'orders-api.shop/longer',
  ],
];

for (const [rule, text, caller, expected] of precedence) {
  test(`hosts of rules: ${rule}`, () => assert.equal(destinationOf(text, {}, caller), expected));
}

function urlOf(route: string, url: string): string {
  const rules = rulesOf(virtualService(`{hosts: [orders-api], http: [{${to('a')}, ${route}}]}`)).forService(
    'shop',
    'orders-api',
    80,
  );
  const found = rules?.route?.({ method: 'GET', url, headers: {}, authority: 'orders-api' });
  return found?.rewriteUrl?.(url) ?? url;
}

const rewrites: readonly (readonly [rule: string, route: string, url: string, expected: string])[] = [
  ['the prefix that matched', 'match: [{uri: {prefix: /v1/}}], rewrite: {uri: /}', '/v1/a?b=c', '/a?b=c'],
  ['letter by letter', 'match: [{uri: {prefix: /v1}}], rewrite: {uri: /v2}', '/v1/a', '/v2/a'],
  ['a path that matched as a whole', 'match: [{uri: {exact: /a}}], rewrite: {uri: /b}', '/a?c', '/b?c'],
  [
    'an expression',
    'rewrite: {uriRegexRewrite: {match: "^/v(\\\\d+)/(.*)$", rewrite: "/\\\\2/\\\\1"}}',
    '/v1/a?b',
    '/a/1?b',
  ],
  ['the authority alone', 'rewrite: {authority: b}', '/a', '/a'],
];

for (const [rule, route, url, expected] of rewrites) {
  test(`HTTPRewrite: ${rule}`, () => assert.equal(urlOf(route, url), expected));
}

function locationOf(redirect: string, url: string, authority: string): unknown {
  const text = virtualService(`{hosts: [orders-api], http: [{match: [{uri: {prefix: /old}}], redirect: ${redirect}}]}`);
  const request = { method: 'GET', url, headers: {}, authority };
  const answer = rulesOf(text).forService('shop', 'orders-api', 80)?.route?.(request)?.answer?.(request);
  return [answer?.status, ...(answer?.headers ?? []).map(([, value]) => value)];
}

const redirects: readonly (readonly [rule: string, redirect: string, url: string, expected: unknown])[] = [
  ['the path', '{uri: /new}', '/old/a?b=c', [301, 'http://orders-api:8080/new?b=c']],
  ['a path with a query', '{uri: "/new?x"}', '/old?b', [301, 'http://orders-api:8080/new?x']],
  ['a prefix', '{prefixRewrite: /new}', '/old/a?b', [301, 'http://orders-api:8080/new/a?b']],
  ['the authority', '{authority: other.example, redirectCode: 302}', '/old', [302, 'http://other.example/old']],
  ['the port', '{port: 9090}', '/old', [301, 'http://orders-api:9090/old']],
  [
    'scheme and the port of it',
    '{scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}',
    '/old',
    [301, 'https://orders-api/old'],
  ],
  [
    'the port of the request',
    '{authority: other.example, derivePort: FROM_REQUEST_PORT}',
    '/old',
    [301, 'http://other.example:8080/old'],
  ],
];

for (const [rule, redirect, url, expected] of redirects) {
  test(`HTTPRedirect: ${rule}`, () => assert.deepEqual(locationOf(redirect, url, 'orders-api:8080'), expected));
}

test('a direct response is its status and its body, in text or bytes', () => {
  const answerOf = (body: string): readonly [status: unknown, body: string] => {
    const text = virtualService(`{hosts: [orders-api], http: [{directResponse: {status: 503, body: ${body}}}]}`);
    const request = { method: 'GET', url: '/', headers: {}, authority: '' };
    const answer = rulesOf(text).forService('shop', 'orders-api', 80)?.route?.(request)?.answer?.(request);
    return [answer?.status, Buffer.from(answer?.body ?? []).toString()];
  };
  assert.deepEqual(answerOf('{string: "später €🙂"}'), [503, 'später €🙂']);
  assert.deepEqual(answerOf('{bytes: c3DDpHRlcg==}'), [503, 'später']);
});

test('a route carries everything that is said of it', () => {
  const text = virtualService(`
  hosts: [orders-api]
  http:
    - name: canary
      route:
        - { destination: { host: orders-api, subset: v2, port: { number: 81 } }, weight: 10, headers: { response: { set: { a: b } } } }
        - { destination: { host: users-api.people, subset: v1 }, weight: 90 }
      timeout: 2s
      retries: { attempts: 2, perTryTimeout: 250ms, retryOn: "connect-failure,503" }
      fault: { delay: { fixedDelay: 5ms, percentage: { value: 50 } }, abort: { grpcStatus: UNAVAILABLE, percentage: { value: 1 } } }
      mirror: { host: orders-api, subset: v3 }
      rewrite: { authority: orders.internal }
      headers: { request: { add: { x-a: b }, remove: [x-c] } }`);
  const route = rulesOf(text)
    .forService('shop', 'orders-api', 80)
    ?.route?.({ method: 'GET', url: '/', headers: {}, authority: '' });
  assert.deepEqual(route, {
    name: 'shop/rule canary',
    destinations: [
      {
        host: 'orders-api.shop.svc.cluster.local',
        subset: 'v2',
        port: 81,
        weight: 10,
        headers: { response: { remove: [], set: [['a', 'b']], add: [] } },
      },
      { host: 'users-api.people.svc.cluster.local', subset: 'v1', weight: 90 },
    ],
    authority: 'orders.internal',
    timeoutMs: 2000,
    retries: {
      attempts: 2,
      on: new Set(['connect-failure', 'retriable-status-codes']),
      statuses: new Set([503]),
      perTryTimeoutMs: 250,
    },
    fault: { delay: { share: 0.5, milliseconds: 5 }, abort: { share: 0.01, status: 200, grpcStatus: 14 } },
    mirrors: [{ host: 'orders-api.shop.svc.cluster.local', subset: 'v3', share: 1 }],
    headers: { request: { remove: ['x-c'], set: [], add: [['x-a', 'b']] } },
  });
});

test('connections of another protocol follow the tcp routes of their port', () => {
  const text = virtualService(
    '{hosts: [orders-api], tcp: [{match: [{port: 81}], route: [{destination: {host: a}}]}, {route: [{destination: {host: b}}]}]}',
  );
  const hostOf = (port: number): unknown => rulesOf(text).forService('shop', 'orders-api', port)?.connection?.[0]?.host;
  assert.equal(hostOf(81), 'a.shop.svc.cluster.local');
  assert.equal(hostOf(80), 'b.shop.svc.cluster.local');
});

const POLICY = destinationRule(`
  host: orders-api
  trafficPolicy:
    loadBalancer: { simple: ROUND_ROBIN, warmup: { duration: 30s, minimumPercent: 20 } }
    connectionPool: { tcp: { maxConnections: 10, connectTimeout: 1s }, http: { http1MaxPendingRequests: 5, http2MaxRequests: 20 } }
    outlierDetection: { consecutive5xxErrors: 3, interval: 1s }
    retryBudget: { percent: 25 }
    portLevelSettings: [{ port: { number: 81 }, loadBalancer: { simple: RANDOM } }]
  subsets:
    - { name: v1, labels: { version: v1 } }
    - name: v2
      labels: { version: v2 }
      trafficPolicy:
        loadBalancer: { consistentHash: { httpHeaderName: X-User, maglev: {} } }
        portLevelSettings: [{ port: { number: 82 }, outlierDetection: {} }]`);

test('a subset’s policy is laid over its service’s, part by part', () => {
  const rules = rulesOf(POLICY).forService('shop', 'orders-api', 80);
  const whole = {
    balancer: { kind: 'round-robin' },
    warmup: { durationMs: 30_000, minimum: 0.2 },
    outlier: {
      consecutive5xx: 3,
      consecutiveGateway: 0,
      consecutiveLocal: 0,
      intervalMs: 1000,
      baseEjectionMs: 30_000,
      maxEjectionPercent: 10,
      minHealthPercent: 0,
    },
    limits: { requests: 10, pending: 5 },
    connections: { connectTimeoutMs: 1000 },
    retryBudget: { share: 0.25, minimum: 3 },
  };
  const { warmup: _slow, ...rest } = whole;
  assert.deepEqual(rules?.policy(undefined), whole);
  assert.deepEqual(rules.policy('v1'), whole);
  const balancer = { kind: 'hash', table: 'maglev', size: 65_537, source: { of: 'header', name: 'x-user' } };
  assert.deepEqual(rules.policy('v2'), { ...rest, balancer });
  assert.deepEqual(rules.subset('v2'), { version: 'v2' });
  assert.equal(rules.subset('v3'), undefined);
  assert.equal(rules.policy('v2'), rules.policy('v2'));
});

for (const [rule, pool, limits] of [
  ['requests beyond a number are refused at once', '{ http: { http2MaxRequests: 2 } }', { requests: 2, pending: 0 }],
  [
    'they do not wait for a connection that is not what they lack',
    '{ tcp: { maxConnections: 3 }, http: { http2MaxRequests: 2, http1MaxPendingRequests: 5 } }',
    { requests: 2, pending: 0 },
  ],
  ['requests wait for a connection', '{ tcp: { maxConnections: 2 } }', { requests: 2 }],
  [
    'as many as may',
    '{ tcp: { maxConnections: 2 }, http: { http2MaxRequests: 2, http1MaxPendingRequests: 5 } }',
    { requests: 2, pending: 5 },
  ],
] as const)
  test(`limits of connectionPool: ${rule}`, () => {
    const rules = rulesOf(destinationRule(`{ host: orders-api, trafficPolicy: { connectionPool: ${pool} } }`));
    assert.deepEqual(rules.forService('shop', 'orders-api', 80)?.policy(undefined).limits, limits);
  });

test('what is said of a port stands in place of the rest', () => {
  const at81 = rulesOf(POLICY).forService('shop', 'orders-api', 81);
  assert.deepEqual(at81?.policy('v1'), { balancer: { kind: 'random' }, retryBudget: { share: 0.25, minimum: 3 } });
  const { balancer, outlier } = rulesOf(POLICY).forService('shop', 'orders-api', 82)?.policy('v2') ?? {};
  assert.deepEqual([balancer, outlier?.consecutive5xx], [undefined, 5]);
});

test('of DestinationRules the caller’s namespace comes first, then the service’s, then the root’s', () => {
  const rule = (namespace: string, host: string): string =>
    destinationRule(`{host: ${JSON.stringify(host)}, trafficPolicy: {}}`, { namespace });
  const all = rule('web', '*.cluster.local') + rule('shop', 'orders-api') + rule('istio-system', 'orders-api.shop');
  const usedBy = (text: string, namespace: string): unknown =>
    rulesOf(text, { namespace }).forService('shop', 'orders-api', 80)?.destinationRule;
  assert.equal(usedBy(all, 'web'), 'web/rule');
  assert.equal(usedBy(all, 'other'), 'shop/rule');
  assert.equal(usedBy(rule('istio-system', 'orders-api.shop'), 'other'), 'istio-system/rule');
});

test('a DestinationRule with a selector is for those workloads of its namespace alone', () => {
  const chosen = destinationRule('{host: orders-api, trafficPolicy: {}, workloadSelector: {matchLabels: {app: web}}}', {
    name: 'chosen',
  });
  const usedBy = (caller: CallerOptions): unknown =>
    rulesOf(chosen + destinationRule('{host: orders-api, trafficPolicy: {}}'), caller).forService(
      'shop',
      'orders-api',
      80,
    )?.destinationRule;
  assert.equal(usedBy({ labels: { app: 'web' } }), 'shop/chosen');
  assert.equal(usedBy({}), 'shop/rule');
  assert.equal(usedBy({ namespace: 'other', labels: { app: 'web' } }), 'shop/rule');
});

test('a Fallback is the answer of every subset, beside whatever else is said of it', () => {
  const fallback = (subject: string, namespace = 'shop'): string =>
    `apiVersion: rampart.dev/v1\nkind: Fallback\n${metadata({ name: 'f', namespace })}spec: {host: ${subject}, response: {status: 200, body: "[]"}}\n---\n`;
  const answer = { response: { status: 200, headers: [], body: '[]' } };
  const earlier = fallback('orders-api').replace('host:', 'stale: {maxAge: 90s}, host:');
  const stale = rulesOf(earlier).forService('shop', 'orders-api', 80);
  assert.deepEqual(stale?.policy(undefined), { fallback: { ...answer, staleMs: 90_000 } });
  const alone = rulesOf(fallback('orders-api')).forService('shop', 'orders-api', 80);
  assert.deepEqual(alone?.policy(undefined), { fallback: answer });
  assert.equal(alone.route, undefined);
  const both = rulesOf(POLICY + fallback('orders-api')).forService('shop', 'orders-api', 80);
  assert.deepEqual([both?.policy('v1').fallback, both?.policy('v1').balancer], [answer, { kind: 'round-robin' }]);
  const foreign = rulesOf(fallback('orders-api.shop', 'web'), { namespace: 'web' });
  assert.deepEqual(foreign.forService('shop', 'orders-api', 80)?.policy(undefined), { fallback: answer });
});

test('places count by where the caller is', () => {
  const localityOf = (setting: string, labels: Record<string, string>): unknown =>
    rulesOf(destinationRule(`{host: orders-api, trafficPolicy: {loadBalancer: {localityLbSetting: ${setting}}}}`), {
      labels,
    })
      .forService('shop', 'orders-api', 80)
      ?.policy(undefined).locality;
  const labels = { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': 'a' };
  const own = { region: 'eu', zone: 'a', subZone: '' };
  const distribute = '{distribute: [{from: us/*, to: {us: 100}}, {from: eu/a/*, to: {"eu/a/*": 80, "eu/b/*": 20}}]}';
  assert.deepEqual(localityOf(distribute, labels), {
    own,
    distribute: [
      { to: 'eu/a/*', weight: 80 },
      { to: 'eu/b/*', weight: 20 },
    ],
  });
  assert.deepEqual(localityOf('{failover: [{from: eu, to: us}]}', labels), { own, failover: 'us' });
  assert.deepEqual(localityOf('{failover: [{from: us, to: eu}]}', labels), { own });
  assert.equal(localityOf('{enabled: false}', labels), undefined);
});

const ENTRY = serviceEntry(`
  hosts: [api.example.com, "*.cdn.example.com"]
  addresses: [203.0.113.0/24]
  ports: [{ number: 443, name: tls, protocol: TLS }, { number: 80, name: http, protocol: HTTP, targetPort: 443 }]
  resolution: STATIC
  endpoints: [{ address: 198.51.100.7, ports: { tls: 8443 }, weight: 2 }]`);

test('a ServiceEntry makes its hosts and addresses known, port by port', () => {
  const rules = rulesOf(ENTRY + destinationRule('{host: api.example.com, trafficPolicy: {tls: {mode: SIMPLE}}}'));
  const api = rules.outside('api.example.com', 80);
  assert.equal(api?.entry, 'shop/rule');
  assert.deepEqual(
    api.endpoints.map(({ address, port, weight }) => [address, port, weight]),
    [['198.51.100.7', 443, 2]],
  );
  assert.deepEqual(api.rules?.policy(undefined), { tls: { mode: 'SIMPLE' } });
  assert.equal(rules.outside('a.cdn.example.com', 443)?.endpoints[0]?.port, 8443);
  assert.equal(rules.outside('cdn.example.com', 443), undefined);
  assert.equal(rules.outside('api.example.com', 22), undefined);
  assert.equal(rules.outsideAddress('203.0.113.9', 443)?.protocol, 'TLS');
  assert.equal(rules.outsideAddress('198.51.100.7', 8443)?.protocol, 'TLS');
  assert.equal(rules.outsideAddress('203.0.113.9', 22), undefined);
  assert.equal(rules.outsideAddress('192.0.2.1', 443), undefined);
});

test('a ServiceEntry is for its own namespace, the root’s for everybody, and exportTo narrows both', () => {
  const knows = (text: string, namespace: string): boolean =>
    rulesOf(text, { namespace }).isKnownOutside('api.example.com');
  const entry = (namespace: string, exportTo?: string): string =>
    serviceEntry(
      `{hosts: [api.example.com], ports: [{number: 443, name: tls, protocol: TLS}]${exportTo === undefined ? '' : `, exportTo: [${exportTo}]`}}`,
      { namespace },
    );
  assert.deepEqual([knows(entry('shop'), 'shop'), knows(entry('shop'), 'web')], [true, false]);
  assert.equal(knows(entry('istio-system'), 'web'), true);
  assert.deepEqual(
    [knows(entry('istio-system', 'web'), 'web'), knows(entry('istio-system', 'web'), 'shop')],
    [true, false],
  );
});

test('the mesh is open outwards unless its MeshConfig says REGISTRY_ONLY', () => {
  const config = (policy: string): string =>
    `apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {${policy}}\n`;
  assert.equal(rulesOf('').outbound, 'ALLOW_ANY');
  assert.equal(rulesOf(config('')).outbound, 'ALLOW_ANY');
  assert.equal(rulesOf(config('outboundTrafficPolicy: {mode: REGISTRY_ONLY}')).outbound, 'REGISTRY_ONLY');
});

test('REGISTRY_ONLY leaves what a ServiceEntry names, host and port', () => {
  const config =
    'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}\n';
  const rules = rulesOf(ENTRY + config);
  assert.equal(rules.outsideProblem('api.example.com', 443), undefined);
  assert.equal(rules.outsideProblem('203.0.113.9', 443), undefined);
  assert.match(rules.outsideProblem('api.example.com', 22) ?? '', /^port 22 of api.example.com is in no ServiceEntry/);
  assert.match(
    rules.outsideProblem('example.com', 443) ?? '',
    /^example.com is in no ServiceEntry for callers of .* shop/,
  );
  assert.match(rules.outsideProblem('192.0.2.1', 443) ?? '', /^192.0.2.1 is in no ServiceEntry/);
  assert.equal(rulesOf(ENTRY).outsideProblem('example.com', 443), undefined);
});

test('where no rule is, nothing is said of anything', () => {
  const rules = rulesOf('');
  assert.equal(rules.isEmpty, true);
  assert.equal(rules.forService('shop', 'orders-api', 80), undefined);
  assert.equal(rules.outside('api.example.com', 443), undefined);
});
