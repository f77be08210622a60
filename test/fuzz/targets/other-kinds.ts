/** Sound documents of every kind besides AuthorizationPolicy and PeerAuthentication. */
export const otherKinds: readonly object[] = [
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'jwt', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'orders' } },
      jwtRules: [
        {
          issuer: 'https://issuer',
          audiences: ['orders'],
          jwksUri: 'https://issuer/jwks',
          fromHeaders: [{ name: 'x-jwt', prefix: 'Bearer ' }],
          fromParams: ['token'],
          fromCookies: ['session'],
          outputPayloadToHeader: 'x-payload',
          outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }],
          forwardOriginalToken: true,
          timeout: '5s',
          spaceDelimitedClaims: ['roles'],
        },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'net', namespace: 'shop' },
    spec: {
      podSelector: {
        matchLabels: { app: 'orders' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['api'] }],
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { name: 'web' } }, podSelector: {} },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
          ],
          ports: [{ protocol: 'TCP', port: 8080, endPort: 8090 }, { port: 'http' }],
        },
      ],
      egress: [{}],
    },
  },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { name: 'shop', env: 'production' } } },
  {
    apiVersion: 'rampart.dev/v1',
    kind: 'MeshConfig',
    metadata: { name: 'default', namespace: 'istio-system' },
    spec: {
      trustDomainAliases: ['old.example'],
      pathNormalization: { normalization: 'MERGE_SLASHES' },
      defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } },
      extensionProviders: [
        {
          name: 'opa',
          envoyExtAuthzHttp: {
            service: 'opa.default.svc.cluster.local',
            port: 8181,
            timeout: '1s',
            includeRequestHeadersInCheck: ['x-*'],
            pathPrefix: '/check',
          },
        },
        {
          name: 'grpc',
          envoyExtAuthzGrpc: {
            service: 'authz.default.svc.cluster.local',
            port: 9000,
            failOpen: false,
            statusOnError: '503',
          },
        },
      ],
    },
  },
  {
    apiVersion: 'rampart.dev/v1',
    kind: 'ServiceTokenPolicy',
    metadata: { name: 'tokens', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'orders' } },
      issuer: 'https://issuer',
      jwksUri: 'https://issuer/jwks',
      audience: 'service:orders-api',
      subjects: ['service:users-api', 'service:*'],
      rules: [{ methods: ['GET'], paths: ['/api/{*}'], scopes: ['orders:read'] }],
    },
  },
];
