/** Resources as JSON, right or wrong, in the words of a test. */
export const base = (kind: string, spec: unknown): Record<string, unknown> => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'x', namespace: 'shop' },
  spec,
});
export const policy = (spec: unknown): Record<string, unknown> => base('AuthorizationPolicy', spec);
export const rule = (part: unknown): Record<string, unknown> => policy({ rules: [part] });
export const source = (fields: unknown): Record<string, unknown> => rule({ from: [{ source: fields }] });
export const operation = (fields: unknown): Record<string, unknown> => rule({ to: [{ operation: fields }] });
export const when = (...conditions: unknown[]): Record<string, unknown> => rule({ when: conditions });
export const peer = (spec: unknown): Record<string, unknown> => base('PeerAuthentication', spec);
export const custom = (part: unknown): Record<string, unknown> =>
  policy({ action: 'CUSTOM', provider: { name: 'p' }, rules: [part] });
export const labelled: { readonly selector: object } = { selector: { matchLabels: { app: 'a' } } };

const kind = (apiVersion: string, name: string, spec: unknown): Record<string, unknown> => ({
  apiVersion,
  kind: name,
  metadata: { name: 'x', namespace: 'shop' },
  spec,
});
export const ISSUER = 'https://issuer.example';
export const PUBLIC_JWKS = '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}';
export const tokens = (...jwtRules: unknown[]): Record<string, unknown> => base('RequestAuthentication', { jwtRules });
/** A sound rule with some fields changed. */
export const jwtRule = (fields: object): Record<string, unknown> => tokens({ issuer: ISSUER, ...fields });
export const network = (spec: unknown): Record<string, unknown> => kind('networking.k8s.io/v1', 'NetworkPolicy', spec);
export const ingress = (rule: unknown): Record<string, unknown> => network({ podSelector: {}, ingress: [rule] });
export const serviceTokens = (fields: object): Record<string, unknown> =>
  kind('rampart.dev/v1', 'ServiceTokenPolicy', {
    issuer: ISSUER,
    jwks: PUBLIC_JWKS,
    audience: 'service:orders-api',
    rules: [{ scopes: ['read'] }],
    ...fields,
  });
export const meshConfig = (spec: unknown): Record<string, unknown> => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'MeshConfig',
  metadata: { name: 'default', namespace: 'istio-system' },
  spec,
});
/** A sound provider over HTTP with some fields changed. */
export const provider = (fields: object): Record<string, unknown> =>
  meshConfig({ extensionProviders: [{ name: 'p', envoyExtAuthzHttp: { service: 'check', port: 80, ...fields } }] });
export const namespace = (metadata: object): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', ...metadata },
});
export const rateLimit = (spec: object): Record<string, unknown> => kind('rampart.dev/v1', 'RateLimit', spec);
/** A sound rule of a RateLimit with some fields changed. */
export const limitRule = (fields: object): Record<string, unknown> =>
  rateLimit({ rules: [{ name: 'r', requests: 10, unit: 'SECOND', ...fields }] });
/** A sound RequestSignaturePolicy with some fields changed; one that is undefined is left out. */
export const requestSignature = (fields: object): Record<string, unknown> => {
  const spec = Object.entries({ signers: ['cluster.local/ns/web/sa/*'], ...fields });
  return kind(
    'rampart.dev/v1',
    'RequestSignaturePolicy',
    Object.fromEntries(spec.filter(([, value]) => value !== undefined)),
  );
};

/** Fields that are undefined are left out, as in JSON. */
const networking = (name: string, spec: unknown): Record<string, unknown> =>
  kind('networking.istio.io/v1', name, JSON.parse(JSON.stringify(spec)));
export const virtualService = (spec: unknown): Record<string, unknown> => networking('VirtualService', spec);
/** A rule with one route, sound but for these fields. */
export const httpRoute = (fields: object): Record<string, unknown> =>
  virtualService({ hosts: ['orders'], http: [{ route: [{ destination: { host: 'orders' } }], ...fields }] });
export const httpMatch = (match: unknown): Record<string, unknown> => httpRoute({ match: [match] });
export const destinationRule = (fields: object): Record<string, unknown> =>
  networking('DestinationRule', { host: 'orders', ...fields });
export const trafficPolicy = (policy: unknown): Record<string, unknown> => destinationRule({ trafficPolicy: policy });
/** A sound entry with some fields changed. */
export const serviceEntry = (fields: object): Record<string, unknown> =>
  networking('ServiceEntry', {
    hosts: ['api.example.com'],
    ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
    ...fields,
  });
