import { test } from 'node:test';
import { labelled, meshConfig, namespace, provider, serviceTokens } from '../../testing/resource-json.ts';
import { base } from '../../testing/resource-json.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';

const PROVIDER = 'spec.extensionProviders[0]';
const HTTP = `${PROVIDER}.envoyExtAuthzHttp`;
const providers = (...extensionProviders: unknown[]): Record<string, unknown> => meshConfig({ extensionProviders });
const grpc = (fields: object): Record<string, unknown> =>
  providers({ name: 'p', envoyExtAuthzGrpc: { service: 'a', port: 1, ...fields } });
const { jwks: _keys, ...keyless } = serviceTokens({})['spec'] as Record<string, unknown>;
const withoutKeys = { ...serviceTokens({}), spec: keyless };
const http = { service: 'check', port: 80 };

const refused: readonly Refusal[] = [
  [
    'a second mesh configuration',
    { ...meshConfig({}), metadata: { name: 'mine' } },
    'metadata.name',
    /must be "default"/,
  ],
  [
    'an unknown normalisation',
    meshConfig({ pathNormalization: { normalization: 'FULL' } }),
    'spec.pathNormalization.normalization',
    /unknown value "FULL"/,
  ],
  [
    'a normalisation without its object',
    meshConfig({ pathNormalization: 'BASE' }),
    'spec.pathNormalization',
    /must be an object/,
  ],
  ['an alias that is no trust domain', meshConfig({ trustDomainAliases: ['A b'] }), 'spec.trustDomainAliases[0]', /./],
  [
    'a negative number of proxies',
    meshConfig({ gatewayTopology: { numTrustedProxies: -1 } }),
    'spec.gatewayTopology.numTrustedProxies',
    /from 0 to 255/,
  ],
  [
    'a topology in two places',
    meshConfig({
      gatewayTopology: { numTrustedProxies: 1 },
      defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } },
    }),
    'spec.gatewayTopology',
    /in defaultConfig, too/,
  ],
  ['a null provider', providers(null), PROVIDER, /is empty/],
  ['a provider without name', providers({ envoyExtAuthzHttp: http }), PROVIDER, /needs a name/],
  [
    'a provider name in upper case',
    providers({ name: 'OPA', envoyExtAuthzHttp: http }),
    `${PROVIDER}.name`,
    /lower-case/,
  ],
  [
    'a provider name of 64 characters',
    providers({ name: 'a'.repeat(64), envoyExtAuthzHttp: http }),
    `${PROVIDER}.name`,
    /at most 63/,
  ],
  [
    'a provider name twice',
    providers({ name: 'p', envoyExtAuthzHttp: http }, { name: 'p', envoyExtAuthzHttp: http }),
    'spec.extensionProviders[1].name',
    /earlier provider/,
  ],
  [
    'a provider without form',
    providers({ name: 'p' }),
    PROVIDER,
    /needs one of envoyExtAuthzHttp and envoyExtAuthzGrpc/,
  ],
  [
    'a provider of both forms',
    providers({ name: 'p', envoyExtAuthzHttp: http, envoyExtAuthzGrpc: http }),
    PROVIDER,
    /needs one of/,
  ],
  ['a provider without service', providers({ name: 'p', envoyExtAuthzHttp: { port: 80 } }), HTTP, /needs a service/],
  ['a provider without port', providers({ name: 'p', envoyExtAuthzHttp: { service: 'a' } }), HTTP, /needs a port/],
  ['an empty service', provider({ service: '' }), `${HTTP}.service`, /must not be empty/],
  ['a service with a scheme', provider({ service: 'http://a' }), `${HTTP}.service`, /must be a host name/],
  ['a service with a wildcard', provider({ service: '*.a' }), `${HTTP}.service`, /must be a host name/],
  ['a service in a namespace that is none', provider({ service: 'A/b' }), `${HTTP}.service`, /must be a host name/],
  ['port 0', provider({ port: 0 }), `${HTTP}.port`, /from 1 to 65535/],
  ['a timeout that is none', provider({ timeout: 'soon' }), `${HTTP}.timeout`, /duration such as/],
  ['a path prefix without slash', provider({ pathPrefix: 'check' }), `${HTTP}.pathPrefix`, /must start with "\/"/],
  ['a path prefix with a query', provider({ pathPrefix: '/a?b' }), `${HTTP}.pathPrefix`, /without query/],
  ['a status that is none', provider({ statusOnError: '299' }), `${HTTP}.statusOnError`, /known HTTP status/],
  [
    'a status that is no number',
    provider({ statusOnError: 'Forbidden' }),
    `${HTTP}.statusOnError`,
    /known HTTP status/,
  ],
  [
    'a bare star for headers',
    provider({ headersToUpstreamOnAllow: ['*'] }),
    `${HTTP}.headersToUpstreamOnAllow[0]`,
    /must not be "\*"/,
  ],
  [
    'a star amid a header',
    provider({ includeRequestHeadersInCheck: ['a*b'] }),
    `${HTTP}.includeRequestHeadersInCheck[0]`,
    /at one end/,
  ],
  [
    'a header with a space',
    provider({ headersToDownstreamOnDeny: ['a b'] }),
    `${HTTP}.headersToDownstreamOnDeny[0]`,
    /name of a header/,
  ],
  [
    'an added header that is no name',
    provider({ includeAdditionalHeadersInCheck: { 'a b': 'c' } }),
    `${HTTP}.includeAdditionalHeadersInCheck["a b"]`,
    /cannot be the name/,
  ],
  [
    'an added header that says how a message is sent',
    provider({ includeAdditionalHeadersInCheck: { 'Content-Length': '7' } }),
    `${HTTP}.includeAdditionalHeadersInCheck.Content-Length`,
    /how a message is sent/,
  ],
  [
    'an added header with a line break',
    provider({ includeAdditionalHeadersInCheck: { a: 'b\r\nc: d' } }),
    `${HTTP}.includeAdditionalHeadersInCheck.a`,
    /invisible character U\+000D/,
  ],
  [
    'both names of one list',
    provider({ includeHeadersInCheck: ['a'], includeRequestHeadersInCheck: ['a'] }),
    `${HTTP}.includeHeadersInCheck`,
    /older name/,
  ],
  [
    'a body without length',
    provider({ includeRequestBodyInCheck: {} }),
    `${HTTP}.includeRequestBodyInCheck`,
    /needs maxRequestBytes/,
  ],
  [
    'a body of no length',
    provider({ includeRequestBodyInCheck: { maxRequestBytes: 0 } }),
    `${HTTP}.includeRequestBodyInCheck.maxRequestBytes`,
    /from 1 to/,
  ],
  [
    'a header list over gRPC',
    grpc({ headersToUpstreamOnAllow: ['a'] }),
    `${PROVIDER}.envoyExtAuthzGrpc.headersToUpstreamOnAllow`,
    /unknown field/,
  ],
  ['failOpen as text', provider({ failOpen: 'yes' }), `${HTTP}.failOpen`, /must be true or false/],
  ['Istio’s ConfigMap', base('ConfigMap', {}), 'kind', /kind MeshConfig of rampart.dev\/v1/],
  ['the operator’s form', base('IstioOperator', {}), 'kind', /spec.meshConfig/],
  ['a namespace in a namespace', namespace({ namespace: 'a' }), 'metadata.namespace', /must be left out/],
  ['a namespace with a dot in its name', namespace({ name: 'a.b' }), 'metadata.name', /DNS label/],
  [
    'a namespace that claims another name',
    namespace({ labels: { 'kubernetes.io/metadata.name': 'b' } }),
    'metadata.labels["kubernetes.io/metadata.name"]',
    /own name, "shop"/,
  ],
  ['a label of a namespace that is none', namespace({ labels: { env: 'a b' } }), 'metadata.labels.env', /label value/],
  ['a namespace with a spec of its own', { ...namespace({}), spec: { quota: 1 } }, 'spec.quota', /unknown field/],
  ['service tokens without issuer', serviceTokens({ issuer: '' }), 'spec.issuer', /must not be empty/],
  ['service tokens without keys', withoutKeys, 'spec', /needs jwksUri or jwks/],
  [
    'service tokens with keys from two places',
    serviceTokens({ jwksUri: 'https://a/b' }),
    'spec.jwks',
    /cannot stand beside/,
  ],
  ['service tokens for several audiences', serviceTokens({ audience: ['a'] }), 'spec.audience', /must be one name/],
  ['a service rule without scopes', serviceTokens({ rules: [{ paths: ['/a'] }] }), 'spec.rules[0]', /needs scopes/],
  ['a service rule with no scope', serviceTokens({ rules: [{ scopes: [] }] }), 'spec.rules[0]', /needs scopes/],
  [
    'two scopes in one',
    serviceTokens({ rules: [{ scopes: ['a b'] }] }),
    'spec.rules[0].scopes[0]',
    /must be one scope/,
  ],
  [
    'a service rule with a bad template',
    serviceTokens({ rules: [{ paths: ['/{x}'], scopes: ['a'] }] }),
    'spec.rules[0].paths[0]',
    /operators/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['a provider at an address', provider({ service: '127.0.0.1' })],
  ['a provider in a namespace', provider({ service: 'tools/check.tools.svc.cluster.local' })],
  ['a status as a number', provider({ statusOnError: 503 })],
  ['a provider over gRPC', grpc({ includeRequestBodyInCheck: { maxRequestBytes: 1, packAsBytes: true } })],
  [
    'a namespace as Kubernetes prints it',
    {
      ...namespace({ uid: 'a', labels: { 'kubernetes.io/metadata.name': 'shop' } }),
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    },
  ],
  [
    'service tokens for some workloads',
    serviceTokens({ ...labelled, subjects: ['service:*'], fromHeaders: [{ name: 'x-token' }] }),
  ],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
