import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resource } from '../../resource/resource.ts';
import { policyOf, resourcesOf } from '../../testing/documents.ts';
import { recordOf, replay, type ReplayCase } from '../../testing/replay.ts';

const TOKENS = resourcesOf(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: shop }
spec:
  selector: { matchLabels: { app: orders-api } }
  jwtRules: [{ issuer: https://issuer.example, jwksUri: https://issuer.example/jwks }]
`);
const NESTED_ISSUER = resourcesOf(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: team, namespace: shop }
spec:
  jwtRules: [{ issuer: https://issuer.example/team, jwksUri: https://issuer.example/jwks }]
`);
const SERVICE_TOKENS = resourcesOf(`apiVersion: rampart.dev/v1
kind: ServiceTokenPolicy
metadata: { name: scopes, namespace: shop }
spec:
  selector: { matchLabels: { app: orders-api } }
  issuer: https://issuer.example
  jwksUri: https://issuer.example/jwks
  audience: service:orders-api
  rules: [{ methods: [GET], scopes: ["orders:read"] }]
`);
const INGRESS = resourcesOf(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: in, namespace: shop }
spec: { podSelector: { matchLabels: { app: orders-api } }, policyTypes: [Ingress] }
`);
function ingressText(peers: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: in, namespace: shop }
spec: { podSelector: {}, ingress: [{ from: [${peers}] }] }
`;
}
function ingressFrom(peer: string): Resource[] {
  return resourcesOf(ingressText(`{ ${peer} }`));
}
const IN_PROD = ingressFrom('namespaceSelector: { matchLabels: { env: prod } }');
const EGRESS_OF_CALLER = resourcesOf(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out, namespace: web }
spec: { podSelector: {}, policyTypes: [Egress] }
`);
const EGRESS_OF_CALLED = resourcesOf(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out, namespace: shop }
spec: { podSelector: {}, policyTypes: [Egress] }
`);
const NAMESPACE = resourcesOf('apiVersion: v1\nkind: Namespace\nmetadata: { name: web, labels: { env: prod } }\n');
const MERGED_SLASHES = resourcesOf(`apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec: { pathNormalization: { normalization: MERGE_SLASHES } }
`);
const ALIAS = resourcesOf(`apiVersion: rampart.dev/v1
kind: MeshConfig
metadata: { name: default, namespace: istio-system }
spec: { trustDomainAliases: [old.org] }
`);

const fromUser = policyOf('- from: [{source: {requestPrincipals: ["https://issuer.example/ada"]}}]', { name: 'users' });
const ada = recordOf({ jwt_principal: 'https://issuer.example/ada' });
const nobody = recordOf();
const bob = recordOf({ jwt_principal: 'https://issuer.example/bob' });

/** "unchanged, denied, allowed, cannot tell". */
function sums(given: ReplayCase): string {
  const { unchanged, nowDenied, nowAllowed, cannotTell } = replay(given);
  return [unchanged, nowDenied, nowAllowed, cannotTell].join();
}

const CASES: readonly (readonly [string, ReplayCase, string])[] = [
  ['no token rules: there is no token', { candidate: [fromUser], records: [nobody, ada] }, '0,2,0,0'],
  [
    'the same token rules: tokens are those on record',
    { live: TOKENS, candidate: [...TOKENS, fromUser], records: [nobody, ada, bob] },
    '1,2,0,0',
  ],
  ['token rules that are new: any token may be invalid', { candidate: TOKENS, records: [nobody, ada] }, '0,0,0,2'],
  [
    'token rules that go: what was allowed still is',
    { live: TOKENS, candidate: [], records: [nobody, ada] },
    '2,0,0,0',
  ],
  [
    'token rules that go: what was denied may have been for its token',
    { live: TOKENS, candidate: [], records: [recordOf({ authorization_decision: 'DENY' })] },
    '0,0,1,0',
  ],
  [
    'a token that can be read in two ways',
    {
      live: [...TOKENS, ...NESTED_ISSUER],
      candidate: [...TOKENS, ...NESTED_ISSUER, fromUser],
      records: [recordOf({ jwt_principal: 'https://issuer.example/team/ada' })],
    },
    '0,0,0,1',
  ],
  [
    'token rules that are older than the record is',
    { live: TOKENS, candidate: [...TOKENS, fromUser], records: [ada], changedAt: 99 },
    '0,0,0,1',
  ],
  [
    'a denied request says nothing about its token',
    { live: TOKENS, candidate: TOKENS, records: [recordOf({ authorization_decision: 'DENY' })] },
    '0,0,0,1',
  ],
  ['the same scopes', { live: SERVICE_TOKENS, candidate: SERVICE_TOKENS, records: [nobody] }, '1,0,0,0'],
  ['scopes that are new', { candidate: SERVICE_TOKENS, records: [nobody] }, '0,0,0,1'],
  ['the same network policy', { live: INGRESS, candidate: INGRESS, records: [nobody] }, '1,0,0,0'],
  ['a network policy that lets nobody in', { candidate: INGRESS, records: [nobody] }, '0,1,0,0'],
  ['a network policy that goes', { live: INGRESS, candidate: [], records: [nobody] }, '1,0,0,0'],
  [
    'a network policy of the caller that lets nothing out',
    { candidate: EGRESS_OF_CALLER, records: [nobody] },
    '0,1,0,0',
  ],
  [
    'a network policy for calls that the called one makes',
    { candidate: EGRESS_OF_CALLED, records: [nobody] },
    '1,0,0,0',
  ],
  [
    'callers by their labels',
    {
      candidate: ingressFrom('podSelector: { matchLabels: { app: orders-api } }, namespaceSelector: {}'),
      records: [nobody],
    },
    '1,0,0,0',
  ],
  [
    'other labels',
    { candidate: ingressFrom('podSelector: { matchLabels: { app: x } }, namespaceSelector: {}'), records: [nobody] },
    '0,1,0,0',
  ],
  [
    'labels of callers that are not known',
    { candidate: ingressFrom('podSelector: {}'), records: [nobody], labels: [] },
    '0,0,0,1',
  ],
  [
    'labels of a namespace',
    { live: IN_PROD, candidate: [...IN_PROD, ...NAMESPACE], records: [nobody], changedAt: 99 },
    '0,0,1,0',
  ],
  [
    'labels of a namespace that go',
    { live: [...IN_PROD, ...NAMESPACE], candidate: IN_PROD, records: [nobody] },
    '0,1,0,0',
  ],
  [
    'addresses',
    { candidate: ingressFrom('ipBlock: { cidr: 10.0.0.0/8 }'), records: [nobody, recordOf({ source_principal: '' })] },
    '0,0,0,2',
  ],
  [
    'addresses beside labels that are right',
    {
      candidate: resourcesOf(ingressText('{ ipBlock: { cidr: 10.0.0.0/8 } }, { namespaceSelector: {} }')),
      records: [nobody],
    },
    '1,0,0,0',
  ],
];

describe('kinds that ask more than records hold', () => {
  for (const [fact, given, expected] of CASES) it(fact, () => assert.equal(sums(given), expected));

  it('are named where nobody can tell', () => {
    const [group] = replay({
      candidate: [...TOKENS, ...SERVICE_TOKENS, ...ingressFrom('ipBlock: { cidr: 10.0.0.0/8 }')],
      records: [nobody],
    }).unknown;
    assert.match(group?.reason ?? '', /RequestAuthentication shop\/tokens asks whether tokens are valid/);
    assert.match(group?.reason ?? '', /ServiceTokenPolicy shop\/scopes asks the token of the calling service/);
    assert.match(group?.reason ?? '', /NetworkPolicy shop\/in asks addresses of callers/);
  });
});

describe('settings of the mesh', () => {
  const deny: Resource = policyOf('- to: [{operation: {paths: ["/admin/x"]}}]', { action: 'DENY' });
  it('are those of each side', () => {
    const records = [recordOf({ request_path: '/admin//x' })];
    assert.equal(sums({ live: [deny], candidate: [deny, ...MERGED_SLASHES], records }), '0,1,0,0');
    const old = policyOf('- from: [{source: {principals: ["old.org/ns/web/sa/frontend"]}}]');
    assert.equal(sums({ candidate: [old], records: [nobody] }), '0,1,0,0');
    assert.equal(sums({ candidate: [old, ...ALIAS], records: [nobody] }), '1,0,0,0');
  });
});
