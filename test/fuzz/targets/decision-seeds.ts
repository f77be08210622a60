import { policyJson } from './policy-seeds.ts';

const API = 'security.istio.io/v1';

/** Values of each field of a source, among them the odd ones of the language. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  principals: [
    'cluster.local/ns/web/sa/frontend',
    'old.example/ns/web/sa/frontend',
    'elsewhere/ns/web/sa/frontend',
    'cluster.local/ns/web/*',
    '*/sa/frontend',
    '*',
    '*frontend*',
    'cluster.local*',
  ],
  namespaces: ['web', 'w*', '*b', 'w*b', '*', 'shop'],
  serviceAccounts: ['frontend', 'web/frontend', 'shop/frontend'],
  trustDomains: ['cluster.local', 'old.example', 'elsewhere', '*', 'else*', '*where'],
  ipBlocks: ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32'],
  remoteIpBlocks: ['1.2.3.4', '1.2.0.0/16', '10.0.0.0/8'],
  requestPrincipals: [
    '*',
    'https://issuer/sub',
    'https://issuer/*',
    'https*',
    '*/sub',
    '*issuer/sub',
    '*sub',
    'https://issuer',
    'https://issuer/s*',
    'https://issuer/',
  ],
};
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  methods: ['GET', 'G*', '*T', '*', 'get'],
  paths: [
    '/a',
    '/a/*',
    '*/b',
    '*',
    '/a/{*}',
    '/a/{*}/b',
    '/a/{**}',
    '/{**}/b',
    '/s/{**}/cart',
    '/{*}/{*}/{**}',
    '/A',
    '*a*',
  ],
  hosts: ['orders-api', 'ORDERS-API', 'orders-api:*', '*.example.com', '*', 'k'],
  ports: ['8080', '1', '65535'],
};
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  'request.headers[X-Key]': ['a', 'a*', '*b', '*', 'a,b'],
  'request.headers[:authority]': ['orders-api', '*'],
  'source.ip': ['10.0.0.0/8'],
  'remote.ip': ['1.2.3.4'],
  'source.namespace': ['web', 'w*b'],
  'source.principal': ['*', 'cluster.local/ns/web/sa/frontend'],
  'source.serviceAccount': ['web/frontend'],
  'source.trustDomain': ['cluster.local', '*'],
  'request.auth.principal': ['https://issuer/sub', '*'],
  'request.auth.audiences': ['d', '*', 'd*'],
  'request.auth.presenter': ['e', '*'],
  'request.auth.claims[a]': ['b', '*'],
  'request.auth.claims[a][b]': ['c', '*', '1', 'true'],
  'request.auth.claims[scope]': ['read', 'read write', 'r*'],
  'request.auth.claims[groups]': ['x y', 'x'],
  'request.auth.claims[a.b]': ['dotted'],
  'request.auth.claims[a]b]': ['dotted'],
  'destination.ip': ['10.0.0.2'],
  'destination.port': ['8080'],
  'connection.sni': ['orders', '*', 'ord*'],
};

const token = {
  issuer: 'https://issuer',
  subject: 'sub',
  claims: {
    a: { b: ['c', 1, 'true'] },
    'a.b': 'dotted',
    'a]b': 'dotted',
    aud: ['d', 'x'],
    azp: 'e',
    scope: 'read write',
    groups: 'x y',
    n: 1,
  },
};

const calls: readonly object[] = [
  {},
  { principal: null, path: '/a/x/b', method: 'POST', headers: { 'x-key': 'ab' } },
  {
    principal: 'cluster.local/ns/shop/sa/frontend',
    path: '/s/cart',
    host: 'Orders-API:8080',
    sourceIp: '192.168.0.1',
    sni: 'orders',
  },
  { principal: 'old.example/ns/web/sa/frontend', path: '', host: '', method: '', headers: { 'x-key': '' }, port: 1 },
  {
    principal: 'elsewhere/ns/web/sa/frontend/extra',
    path: '/a',
    headers: { 'x-key': 'a' },
    sourceIp: '::1',
    sni: 'order',
  },
  { principal: 'cluster.local/ns/a/ns/web/x/sa/frontend', path: '/a/', host: 'x.example.com', sourceIp: '2001:db8::7' },
  { principal: 'cluster.local', path: '/s//cart', host: 'k', method: 'get' },
  { principal: '', path: '/s/1/2/cart', token },
  { principal: 'ns/web/sa/frontend', path: '/a/b', host: '\u212a', token: { ...token, subject: 'subject' } },
  { path: '/a/x', token, remoteIp: '1.2.3.4' },
  { path: '/a//b', token: { ...token, spaceDelimitedClaims: ['groups'] }, headers: { 'x-key': 'a,b' } },
  { path: '/b', token: { issuer: '', subject: '', claims: { a: 'b', aud: 'd', scope: ['read'], azp: ['e'] } } },
  { path: '/x/y/', token: { issuer: 'https://issuer/x', subject: '', claims: { a: { b: 'c' }, aud: '', scope: '' } } },
];

/** One small policy for each value of each field, positive and negative, and the policies that use everything. */
export function decisionSeeds(): string[] {
  const rules = [
    ...fields(SOURCES).map((source) => ({ from: [{ source }] })),
    ...fields(OPERATIONS).map((operation) => ({ to: [{ operation }] })),
    ...Object.entries(CONDITIONS).flatMap(([key, values]) =>
      values.flatMap((value) => [{ when: [{ key, values: [value] }] }, { when: [{ key, notValues: [value] }] }]),
    ),
  ];
  const small = rules.map((rule, index) => ({ policies: [policyOf(rule, index)], calls }));
  const large = [...policyJson.map((policy) => [policy]), policyJson.slice(0, 4), policyJson];
  return [...small, ...large.map((policies) => ({ policies, calls }))].map((seed) => JSON.stringify(seed));
}

function fields(pool: Readonly<Record<string, readonly string[]>>): object[] {
  return Object.entries(pool).flatMap(([name, values]) => {
    const notName = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    return values.flatMap((value) => [{ [name]: [value] }, { [notName]: [value] }]);
  });
}

/** Mostly ALLOW, some DENY, some tried out only. */
function policyOf(rule: object, index: number): object {
  const annotations = index % 5 === 0 ? { 'istio.io/dry-run': 'true' } : {};
  const metadata = { name: 'small', namespace: 'shop', annotations };
  return {
    apiVersion: API,
    kind: 'AuthorizationPolicy',
    metadata,
    spec: { action: index % 3 === 0 ? 'DENY' : 'ALLOW', rules: [rule] },
  };
}
