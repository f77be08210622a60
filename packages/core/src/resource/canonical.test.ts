import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem, parseResource, toJson } from '../index.ts';

const documents = [
  {
    kind: 'AuthorizationPolicy',
    apiVersion: 'security.istio.io/v1beta1',
    metadata: {
      namespace: 'shop',
      name: 'a',
      annotations: { b: '2', a: '1' },
      labels: { d: '', c: '3' },
      creationTimestamp: '2026-01-31T12:00:00.250Z',
    },
    spec: {
      selector: { matchLabels: { tier: 'api', app: 'orders' } },
      rules: [
        { when: [{ values: ['b', 'a'], key: 'source.namespace' }], from: [{ source: { principals: ['z', 'y'] } }] },
      ],
    },
  },
  {
    kind: 'PeerAuthentication',
    apiVersion: 'security.istio.io/v1',
    metadata: { name: 'b' },
    spec: {
      portLevelMtls: { 9090: { mode: 'DISABLE' }, 8080: {} },
      selector: { matchLabels: { app: 'a' } },
      mtls: { mode: 'STRICT' },
    },
  },
  {
    kind: 'RequestAuthentication',
    apiVersion: 'security.istio.io/v1',
    metadata: { name: 'c', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      jwtRules: [
        {
          issuer: 'https://auth.example',
          jwks: '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}',
          audiences: ['b', 'a'],
          fromHeaders: [{ name: 'x-token', prefix: '' }],
          fromCookies: ['session'],
          outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }],
          timeout: '1.5s',
        },
        { issuer: 'https://other.example', forwardOriginalToken: true, timeout: '1m30s' },
      ],
    },
  },
  {
    kind: 'NetworkPolicy',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: 'd' },
    spec: {
      podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
      egress: [
        {
          to: [
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
            { namespaceSelector: {}, podSelector: {} },
          ],
          ports: [
            { port: 8000, endPort: 8010 },
            { protocol: 'UDP', port: 'dns' },
          ],
        },
      ],
    },
  },
  {
    kind: 'VirtualService',
    apiVersion: 'networking.istio.io/v1',
    metadata: { name: 'e', namespace: 'shop' },
    spec: {
      hosts: ['Orders-API'],
      http: [
        {
          name: 'canary',
          match: [{ uri: { prefix: '/v2' }, headers: { 'x-canary': { exact: '1' } }, method: { exact: 'GET' } }],
          route: [
            { destination: { host: 'orders-api', subset: 'v2', port: { number: 80 } }, weight: 10 },
            { destination: { host: 'orders-api', subset: 'v1' }, weight: 90 },
          ],
          timeout: '2.5s',
          retries: { attempts: 2, perTryTimeout: '250ms', retryOn: 'connect-failure,503', backoff: '1m' },
          fault: {
            delay: { fixedDelay: '10ms', percentage: { value: 5 } },
            abort: { httpStatus: 500, percentage: { value: 0.1 } },
          },
          mirror: { host: 'orders-api', subset: 'v3' },
          mirrorPercentage: { value: 10 },
          rewrite: { uriRegexRewrite: { match: '/v2/(.*)', rewrite: '/\\1' } },
          headers: { request: { set: { 'x-a': 'b' }, remove: ['x-e'] }, response: { add: { 'x-f': 'g' } } },
        },
        { match: [{ uri: { regex: '/old/.*' } }], redirect: { uri: '/new' } },
        { directResponse: { status: 404, body: { string: 'nothing\nhere' } } },
      ],
      tcp: [{ route: [{ destination: { host: 'orders-api' } }] }],
      exportTo: ['.'],
    },
  },
  {
    kind: 'DestinationRule',
    apiVersion: 'networking.istio.io/v1beta1',
    metadata: { name: 'f', namespace: 'shop' },
    spec: {
      host: 'orders-api.shop.svc.cluster.local',
      trafficPolicy: {
        loadBalancer: {
          simple: 'LEAST_CONN',
          localityLbSetting: { distribute: [{ from: 'eu/*', to: { 'eu/a': 80, 'eu/b': 20 } }] },
          warmupDurationSecs: '60s',
        },
        connectionPool: {
          tcp: { maxConnections: 100, connectTimeout: '30ms', tcpKeepalive: { time: '2h' } },
          http: { http2MaxRequests: 1000, maxRetries: 3, h2UpgradePolicy: 'DEFAULT' },
        },
        outlierDetection: { consecutive5xxErrors: 7, interval: '5m', baseEjectionTime: '15m' },
        tls: { mode: 'ISTIO_MUTUAL' },
        portLevelSettings: [
          {
            port: { number: 80 },
            loadBalancer: { consistentHash: { httpCookie: { name: 'user', ttl: '0s' }, minimumRingSize: 2048 } },
          },
        ],
        retryBudget: { percent: 12.5, minRetryConcurrency: 5 },
      },
      subsets: [{ name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }],
      workloadSelector: { matchLabels: { app: 'web' } },
    },
  },
  {
    kind: 'ServiceEntry',
    apiVersion: 'networking.istio.io/v1alpha3',
    metadata: { name: 'g', namespace: 'shop' },
    spec: {
      hosts: ['api.Payments.example.com', '*.cdn.example.com'],
      location: 'MESH_EXTERNAL',
      ports: [
        { number: 443, name: 'https', protocol: 'tls' },
        { number: 27018, name: 'mongo', protocol: 'Mongo', targetPort: 27017 },
      ],
      resolution: 'STATIC',
      endpoints: [{ address: '10.0.0.1', ports: { mongo: 9999 }, labels: { a: 'b' }, locality: 'eu/a', weight: 3 }],
      subjectAltNames: ['spiffe://payments.example/api'],
    },
  },
  {
    kind: 'Fallback',
    apiVersion: 'rampart.dev/v1',
    metadata: { name: 'h', namespace: 'shop' },
    spec: {
      host: 'Orders',
      response: { status: 200, headers: { 'content-type': 'application/json' }, body: '[]\n' },
      stale: { maxAge: '600s' },
      exportTo: ['web'],
    },
  },
  { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop', labels: { env: 'production' } } },
  {
    kind: 'MeshConfig',
    apiVersion: 'rampart.dev/v1',
    metadata: { name: 'default', namespace: 'istio-system' },
    spec: {
      trustDomainAliases: ['old.example'],
      pathNormalization: { normalization: 'DECODE_AND_MERGE_SLASHES' },
      gatewayTopology: { numTrustedProxies: 2 },
      extensionProviders: [
        {
          name: 'opa',
          envoyExtAuthzHttp: {
            service: 'tools/opa.tools.svc.cluster.local',
            port: 8181,
            timeout: '250ms',
            statusOnError: '503',
            includeHeadersInCheck: ['x-*'],
            includeRequestBodyInCheck: { maxRequestBytes: 1024 },
          },
        },
        { name: 'checker', envoyExtAuthzGrpc: { service: 'checker', port: 9000, failOpen: true } },
      ],
    },
  },
  {
    kind: 'ServiceTokenPolicy',
    apiVersion: 'rampart.dev/v1',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'orders-api' } },
      issuer: 'https://auth.example.com',
      jwksUri: 'https://auth.example.com/jwks.json',
      audience: 'service:orders-api',
      subjects: ['service:users-api'],
      rules: [{ methods: ['GET'], paths: ['/orders/{*}'], scopes: ['read:orders'] }],
    },
  },
];

for (const document of documents) {
  test(`a ${document.kind} written as JSON reads back equal`, () => {
    const first = parseResource(document);
    assert.ok(first.ok, first.ok ? '' : first.problem.map(describeProblem).join('\n'));
    const second = parseResource(JSON.parse(toJson(first.value)));
    assert.ok(second.ok);
    assert.deepEqual(second.value, first.value);
    assert.equal(toJson(second.value), toJson(first.value));
  });
}

test('the order of keys in a document does not show, the order of lists does', () => {
  const [first] = documents;
  assert.ok(first !== undefined);
  const reversed = JSON.parse(JSON.stringify(first), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toReversed())
      : value,
  ) as unknown;
  const a = parseResource(first);
  const b = parseResource(reversed);
  assert.ok(a.ok && b.ok);
  assert.equal(toJson(a.value), toJson(b.value));
  assert.match(toJson(a.value), /"principals":\["z","y"\]/);
});
