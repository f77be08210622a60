import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResourceKind, toJson } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { create } from '@bufbuild/protobuf';
import { StoredResourceSchema } from '@rampart/wire';
import { renderStoredResources } from './resources.ts';

const SECURITY = 'apiVersion: security.istio.io/v1';

const tables: readonly [kind: ResourceKind, document: string, heading: RegExp, row: RegExp][] = [
  [
    'PeerAuthentication',
    `${SECURITY}\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: {selector: {matchLabels: {app: a}}, portLevelMtls: {80: {mode: DISABLE}}}`,
    /^NAMESPACE +NAME +MODE +PORTS +SELECTOR +AGE$/,
    /^default +a +UNSET +80:DISABLE +app=a +-$/,
  ],
  [
    'RequestAuthentication',
    `${SECURITY}\nkind: RequestAuthentication\nmetadata: {name: a}\nspec: {jwtRules: [{issuer: i1}, {issuer: i2}, {issuer: i3}]}`,
    /^NAMESPACE +NAME +ISSUERS +RULES +SELECTOR +AGE$/,
    /^default +a +i1, i2 \+1 +3 +\(all\) +-$/,
  ],
  [
    'AuthorizationPolicy',
    `${SECURITY}\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {action: CUSTOM, provider: {name: opa}, rules: [{}]}`,
    /^NAMESPACE +NAME +ACTION +RULES +SELECTOR +AGE$/,
    /^default +a +CUSTOM \(opa\) +1 +\(all\) +-$/,
  ],
  [
    'AuthorizationPolicy',
    `${SECURITY}\nkind: AuthorizationPolicy\nmetadata: {name: a, annotations: {istio.io/dry-run: "true"}}\nspec: {action: DENY, rules: [{}]}`,
    /ACTION/,
    /^default +a +DENY \(dry run\) +1 /,
  ],
  [
    'AuthorizationPolicy',
    `${SECURITY}\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {targetRefs: [{kind: Service, name: b}]}`,
    /SELECTOR/,
    / Service b +-$/,
  ],
  [
    'ServiceTokenPolicy',
    'apiVersion: rampart.dev/v1\nkind: ServiceTokenPolicy\nmetadata: {name: a}\nspec: {issuer: i, jwksUri: "https://i/k", audience: "service:a", rules: [{scopes: [r]}]}',
    /^NAMESPACE +NAME +AUDIENCE +ISSUER +RULES +SELECTOR +AGE$/,
    /^default +a +service:a +i +1 +\(all\) +-$/,
  ],
  [
    'NetworkPolicy',
    'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchLabels: {app: a}, matchExpressions: [{key: tier, operator: NotIn, values: [x, y]}, {key: old, operator: DoesNotExist}]}, policyTypes: [Ingress, Egress], egress: [{}]}',
    /^NAMESPACE +NAME +INGRESS +EGRESS +SELECTOR +AGE$/,
    /^default +a +deny all +1 rule +app=a,tier notin \(x,y\),!old +-$/,
  ],
  [
    'NetworkPolicy',
    'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{}, {}]}',
    /INGRESS/,
    /^default +a +2 rules +- +\(all\) +-$/,
  ],
  [
    'Namespace',
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {env: production}}',
    /^NAME +LABELS +AGE$/,
    /^a +env=production +-$/,
  ],
  [
    'MeshConfig',
    'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default}',
    /^NAMESPACE +NAME +PATHS +PROXIES +ALIASES +AUTHORIZERS +AGE$/,
    /^istio-system +default +BASE +0 +- +- +-$/,
  ],
];

for (const [kind, document, heading, row] of tables) {
  test(`a table of ${kind}: ${row.source}`, () => {
    const [resource] = parseDocuments(document, { file: 'a.yaml' }).resources;
    assert.ok(resource !== undefined);
    const { namespace, name } = resource.metadata;
    const stored = create(StoredResourceSchema, { kind, namespace, name, json: toJson(resource) });
    const [first = '', second = ''] = renderStoredResources(kind, [stored], 0).split('\n');
    assert.match(first, heading);
    assert.match(second, row);
  });
}

test('what a newer control plane holds is named, though this version cannot read it', () => {
  const stored = create(StoredResourceSchema, {
    kind: 'NetworkPolicy',
    namespace: 'shop',
    name: 'a',
    json: '{"kind":"NetworkPolicy","spec":{"new":1}}',
  });
  assert.match(renderStoredResources('NetworkPolicy', [stored], 0), /\nshop +a +\? +\? +\? +-\n$/);
});
