const api = 'security.istio.io/v1';
const metadata = { name: 'orders', namespace: 'shop' };
const authorization = (spec: object): object => ({ apiVersion: api, kind: 'AuthorizationPolicy', metadata, spec });

/** Policies that use every field of the language at least once. */
export const policyJson: readonly object[] = [
  authorization({
    selector: { matchLabels: { app: 'orders' } },
    rules: [
      {
        from: [
          { source: { principals: ['cluster.local/ns/web/sa/frontend', 'cluster.local/ns/web/*', '*/sa/x', '*'] } },
          { source: { notPrincipals: ['*'], ipBlocks: ['10.0.0.0/8', '::1'] } },
          { source: { namespaces: ['web', 'w*b'], notNamespaces: ['batch'] } },
        ],
        to: [
          {
            operation: {
              methods: ['GET', 'P*'],
              paths: ['/a', '/a/*', '*.txt', '/a/{*}/b', '/s/{**}', '/s/{**}/cart'],
            },
          },
          { operation: { hosts: ['orders-api', '*.example.com', 'a:*'], notPaths: ['/x'], ports: ['8080'] } },
        ],
        when: [
          { key: 'request.headers[X-Key]', values: ['a', 'b*', '*c', '*'] },
          { key: 'source.ip', notValues: ['192.168.0.0/16'] },
          { key: 'connection.sni', values: ['orders'] },
        ],
      },
    ],
  }),
  authorization({
    action: 'DENY',
    rules: [
      {
        from: [{ source: { serviceAccounts: ['frontend', 'web/frontend'], notIpBlocks: ['127.0.0.1'] } }],
        to: [{ operation: { notMethods: ['GET'], notHosts: ['*'], notPorts: ['1'] } }],
      },
      {
        when: [
          { key: 'source.namespace', values: ['web'] },
          { key: 'source.principal', notValues: ['*x'] },
        ],
      },
      {
        when: [
          { key: 'destination.port', values: ['8080'] },
          { key: 'destination.ip', values: ['10.0.0.2'] },
        ],
      },
    ],
  }),
  authorization({ rules: [{}] }),
  authorization({}),
  authorization({ action: 'AUDIT', rules: [{ to: [{ operation: { paths: ['/audited/*'] } }] }] }),
  authorization({ action: 'CUSTOM', provider: { name: 'opa' }, rules: [{ to: [{ operation: { paths: ['/c'] } }] }] }),
  authorization({
    rules: [
      {
        from: [
          {
            source: { requestPrincipals: ['https://issuer/sub', 'https://issuer/*', '*'], remoteIpBlocks: ['1.2.3.4'] },
          },
        ],
        when: [
          { key: 'request.auth.claims[a][b]', values: ['c'] },
          { key: 'request.auth.audiences', values: ['d'] },
          { key: 'request.auth.presenter', notValues: ['e'] },
          { key: 'remote.ip', values: ['1.2.3.0/24'] },
          { key: 'source.trustDomain', values: ['cluster.local'] },
        ],
      },
    ],
  }),
  {
    apiVersion: api,
    kind: 'AuthorizationPolicy',
    metadata: { ...metadata, annotations: { 'istio.io/dry-run': 'true' } },
    spec: { rules: [{}] },
  },
  {
    apiVersion: api,
    kind: 'PeerAuthentication',
    metadata,
    spec: {
      selector: { matchLabels: { app: 'orders' } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { 8080: { mode: 'PERMISSIVE' } },
    },
  },
];

export const POLICY_WORDS: readonly string[] = [
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'ipBlocks',
  'remoteIpBlocks',
  'requestPrincipals',
  'trustDomains',
  'hosts',
  'methods',
  'paths',
  'notPaths',
  'ports',
  'from',
  'to',
  'when',
  'key',
  'values',
  'notValues',
  'source',
  'operation',
  'rules',
  'action',
  'ALLOW',
  'DENY',
  'AUDIT',
  'selector',
  'matchLabels',
  'targetRefs',
  'mtls',
  'portLevelMtls',
  'request.headers[a]',
  'request.auth.claims[a]',
  'source.ip',
  'destination.port',
  '*',
  'a*',
  '*a',
  '*a*',
  'a*b',
  '/{*}',
  '/{**}',
  '/{**}/x',
  '0.0.0.0/0',
  '::/0',
  '::ffff:10.0.0.1',
  '8080',
  '0',
  '65535',
  'cluster.local/ns/web/sa/frontend',
  'spiffe://cluster.local/ns/web/sa/frontend',
  'GET',
];
