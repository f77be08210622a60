import { test } from 'node:test';
import {
  ISSUER,
  jwtRule,
  labelled,
  meshConfig,
  network,
  peer,
  policy,
  provider,
  rule,
  source,
} from '../testing/resource-json.ts';
import { ingress, operation, serviceTokens, tokens } from '../testing/resource-json.ts';
import { expectWarning, expectSilence, type Refusal } from '../testing/refusals.ts';

const deny = (part: unknown): Record<string, unknown> => policy({ action: 'DENY', rules: [part] });
const inRoot = (resource: Record<string, unknown>): Record<string, unknown> => ({
  ...resource,
  metadata: { name: 'x', namespace: 'istio-system' },
});
const fromUser = { from: [{ source: { requestPrincipals: ['*'] } }] };

const warned: readonly Refusal[] = [
  [
    'an empty selector',
    policy({ selector: { matchLabels: {} }, rules: [{}] }),
    'spec.selector',
    /selects every workload/,
  ],
  ['a selector without matchLabels', peer({ selector: {} }), 'spec.selector', /selects every workload/],
  [
    'a PeerAuthentication of the root namespace with selector, which is ignored',
    inRoot(peer({ ...labelled, mtls: { mode: 'STRICT' } })),
    'spec.selector',
    /is ignored: in the root namespace, istio-system.*move it/,
  ],
  [
    'DENY with methods and no port, which denies TCP',
    deny({ to: [{ operation: { methods: ['POST'] } }] }),
    'spec.rules[0]',
    /denies all traffic to TCP ports .*ports: \["8080"\]/,
  ],
  [
    'DENY with paths and a source, as Istio does',
    deny({ from: [{ source: { principals: ['a'] } }], to: [{ operation: { paths: ['/x'] } }] }),
    'spec.rules[0]',
    /denies all traffic to TCP ports/,
  ],
  ['DENY by the end user alone, which denies TCP', deny(fromUser), 'spec.rules[0]', /denies all traffic to TCP ports/],
  [
    'DENY by a header alone, which denies TCP',
    deny({ when: [{ key: 'request.headers[x]', values: ['a'] }] }),
    'spec.rules[0]',
    /denies all traffic to TCP ports/,
  ],
  [
    'a star that is matched literally',
    operation({ hosts: ['*.a.*'] }),
    'spec.rules[0].to[0].operation.hosts[0]',
    /matched literally/,
  ],
  [
    'a principal with its scheme',
    source({ principals: ['spiffe://cluster.local/ns/a/sa/b'] }),
    'spec.rules[0].from[0].source.principals[0]',
    /without "spiffe:\/\/"/,
  ],
  [
    'a method in lower case',
    operation({ methods: ['get'] }),
    'spec.rules[0].to[0].operation.methods[0]',
    /never matches.*"GET"/,
  ],
  [
    'several methods in one value',
    operation({ notMethods: ['GET,POST'] }),
    'spec.rules[0].to[0].operation.notMethods[0]',
    /never matches: .*\["GET", "POST"\]/,
  ],
  [
    'a path without its first slash',
    operation({ paths: ['admin'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /never matches: every path begins with a slash/,
  ],
  [
    'a path with a query',
    operation({ notPaths: ['/a?b=c'] }),
    'spec.rules[0].to[0].operation.notPaths[0]',
    /never matches: .*without their query/,
  ],
  [
    'a path without its escapes',
    operation({ paths: ['/café *'] }),
    'spec.rules[0].to[0].operation.paths[0]',
    /never matches: .*"\/caf%C3%A9%20\*"/,
  ],
  [
    'an empty list beside another field',
    operation({ methods: ['GET'], paths: [] }),
    'spec.rules[0].to[0].operation.paths',
    /asks nothing/,
  ],
  ['tokens without rules', tokens(), 'spec', /changes nothing/],
  [
    'an issuer whose keys cannot be found',
    tokens({ issuer: 'accounts.example' }),
    'spec.jwtRules[0].issuer',
    /every token is refused: add jwksUri or jwks/,
  ],
  [
    'a private key in a key set',
    jwtRule({ jwks: '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}' }),
    'spec.jwtRules[0].jwks',
    /key 0 is private/,
  ],
  [
    'a secret key in a key set',
    jwtRule({ jwks: '{"kty":"oct","k":"AA"}' }),
    'spec.jwtRules[0].jwks',
    /key 0 is private/,
  ],
  ['a key set without keys', jwtRule({ jwks: '{"keys":[]}' }), 'spec.jwtRules[0].jwks', /holds no key/],
  [
    'keys for any issuer',
    tokens({ jwksUri: `${ISSUER}/jwks.json` }),
    'spec.jwtRules[0]',
    /names no issuer: a token of any issuer/,
  ],
  [
    'a private key for service tokens',
    serviceTokens({ jwks: '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}' }),
    'spec.jwks',
    /key 0 is private/,
  ],
  ['service tokens without rules', serviceTokens({ rules: [] }), 'spec.rules', /every request is refused/],
  [
    'ingress rules that policyTypes turns off',
    network({ podSelector: {}, policyTypes: ['Egress'], ingress: [{}] }),
    'spec.ingress',
    /policyTypes does not list Ingress/,
  ],
  [
    'egress rules that policyTypes turns off',
    network({ podSelector: {}, policyTypes: ['Ingress'], egress: [{}] }),
    'spec.egress',
    /policyTypes does not list Egress/,
  ],
  [
    'bits beyond a prefix',
    ingress({ from: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }),
    'spec.ingress[0].from[0].ipBlock.cidr',
    /bits beyond its prefix/,
  ],
  [
    'clearRouteCache, which has no effect',
    provider({ clearRouteCache: true }),
    'spec.extensionProviders[0].envoyExtAuthzHttp.clearRouteCache',
    /has no effect/,
  ],
  [
    'a claim for a header that says who has sent the request',
    jwtRule({ outputClaimToHeaders: [{ header: 'X-Forwarded-Client-Cert', claim: 'sub' }] }),
    'spec.jwtRules[0].outputClaimToHeaders[0].header',
    /has no effect: .* name another header/,
  ],
  [
    'an authorizer that writes the host',
    provider({ headersToUpstreamOnAllow: ['x-user', 'Host'] }),
    'spec.extensionProviders[0].envoyExtAuthzHttp.headersToUpstreamOnAllow[1]',
    /has no effect/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['path templates', operation({ paths: ['/a/{*}/b/{**}', '/a/{**}'] })],
  ['paths of every form', operation({ paths: ['*', '/a*', '*/b', '*.txt', '/a%20b', '/;x=1'] })],
  ['methods that few know', operation({ methods: ['*', 'M-SEARCH', 'PROP*', '*FIND'] })],
  ['a star amid a namespace', source({ namespaces: ['team-*-prod'] })],
  ['DENY of everything', deny({})],
  ['DENY with ports beside HTTP fields', deny({ to: [{ operation: { methods: ['POST'], ports: ['8080'] } }] })],
  ['DENY by the caller alone', deny({ from: [{ source: { namespaces: ['a'] } }] })],
  ['DENY by the end user at a named port', deny({ ...fromUser, when: [{ key: 'destination.port', values: ['80'] }] })],
  [
    'DENY by header and address',
    deny({
      when: [
        { key: 'request.headers[x]', values: ['a'] },
        { key: 'source.ip', values: ['10.0.0.1'] },
      ],
    }),
  ],
  ['ALLOW with HTTP fields only', operation({ methods: ['GET'] })],
  ['an AuthorizationPolicy of the root namespace with selector', inRoot(policy({ ...labelled, rules: [{}] }))],
  ['a PeerAuthentication of the root namespace without selector', inRoot(peer({ mtls: { mode: 'STRICT' } }))],
  ['an allow-nothing policy', policy({})],
  ['a rule that asks nothing', rule({})],
  ['a mesh configuration that says nothing', meshConfig({})],
];

for (const warning of warned) test(`warns of ${warning[0]}`, () => expectWarning(warning));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
