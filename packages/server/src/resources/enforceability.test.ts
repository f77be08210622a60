import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENFORCED_IN_PROCESS, type PolicyFeature, type Resource } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { type EnforcingPlane, unenforceable } from './enforceability.ts';

const SECURITY = 'apiVersion: security.istio.io/v1';

function resource(text: string): Resource {
  const { resources, problems } = parseDocuments(text, { file: 'a.yaml' });
  const [first] = resources;
  assert.ok(first !== undefined, problems.map(({ message }) => message).join());
  return first;
}

function plane(lacks: PolicyFeature, fields: Partial<EnforcingPlane> = {}): EnforcingPlane {
  const capabilities = new Set<string>(ENFORCED_IN_PROCESS.filter((feature) => feature !== lacks));
  return { name: 'shop/orders (node 0.9.0)', namespace: 'shop', labels: { app: 'orders' }, capabilities, ...fields };
}

function objections(text: string, ...planes: readonly EnforcingPlane[]): string[] {
  return unenforceable(resource(text), { rootNamespace: 'istio-system', planes }).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

/** A resource of each kind that selects `app: orders` in the namespace shop, and what holding it takes. */
const selecting: readonly (readonly [feature: PolicyFeature, text: string])[] = [
  [
    'peer-authentication',
    `${SECURITY}\nkind: PeerAuthentication\nmetadata: {name: a, namespace: shop}\nspec: {selector: {matchLabels: {app: orders}}}`,
  ],
  [
    'request-authentication',
    `${SECURITY}\nkind: RequestAuthentication\nmetadata: {name: a, namespace: shop}\nspec: {selector: {matchLabels: {app: orders}}, jwtRules: [{issuer: i}]}`,
  ],
  [
    'service-token',
    'apiVersion: rampart.dev/v1\nkind: ServiceTokenPolicy\nmetadata: {name: a, namespace: shop}\nspec: {selector: {matchLabels: {app: orders}}, issuer: i, jwksUri: "https://i/k", audience: a, rules: [{scopes: [r]}]}',
  ],
  [
    'network-policy',
    'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [orders]}]}}',
  ],
  [
    'authorization.custom',
    `${SECURITY}\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec: {selector: {matchLabels: {app: orders}}, action: CUSTOM, provider: {name: p}, rules: [{}]}`,
  ],
];

describe('what a data plane cannot enforce', () => {
  for (const [feature, text] of selecting.filter(([needed]) => ENFORCED_IN_PROCESS.includes(needed))) {
    it(`${feature} is refused with the data plane's name where it is selected`, () => {
      const [found = '', ...more] = objections(text, plane(feature));
      assert.match(
        found,
        /^(?:kind|spec\.action): \w+ shop\/a needs [\w.-]+: shop\/orders \(node 0\.9\.0\) cannot enforce it$/,
      );
      assert.deepEqual(more, []);
    });

    it(`${feature} is accepted where it is not selected`, () => {
      assert.deepEqual(objections(text, plane(feature, { labels: { app: 'web' } })), []);
      assert.deepEqual(objections(text, plane(feature, { namespace: 'web' })), []);
    });
  }

  it('of the mesh configuration is every data plane’s business', () => {
    const text = 'apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default}';
    const planes = ['a', 'b', 'c', 'd', 'e'].map((name) => plane('mesh-config', { name, namespace: name }));
    assert.deepEqual(objections(text, ...planes), [
      'kind: MeshConfig istio-system/default needs mesh-config: a, b, c and 2 more cannot enforce it',
    ]);
  });

  it('says nothing against a namespace: its labels are for the control plane to know', () => {
    assert.deepEqual(objections('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}', plane('namespace')), []);
  });
});

describe('a policy with targetRefs', () => {
  const SENTENCE =
    'needs authorization.target-refs: there is no gateway yet that a policy could be attached to; pick the workloads with spec.selector.matchLabels';
  for (const target of [
    '{group: gateway.networking.k8s.io, kind: Gateway, name: g}',
    '{group: gateway.networking.k8s.io, kind: GatewayClass, name: g}',
    '{kind: Service, name: orders}',
    '{group: networking.istio.io, kind: ServiceEntry, name: s}',
  ]) {
    it(`is refused by name: ${target}`, () => {
      const metadata = 'metadata: {name: a, namespace: shop}';
      assert.deepEqual(
        objections(`${SECURITY}\nkind: AuthorizationPolicy\n${metadata}\nspec: {targetRefs: [${target}], rules: [{}]}`),
        [`spec.targetRefs: AuthorizationPolicy shop/a ${SENTENCE}`],
      );
      assert.ok(
        objections(
          `${SECURITY}\nkind: RequestAuthentication\n${metadata}\nspec: {targetRefs: [${target}], jwtRules: [{issuer: i}]}`,
        ).includes(`spec.targetRefs: RequestAuthentication shop/a ${SENTENCE}`),
      );
    });
  }

  it('is refused in its older spelling as well', () => {
    const [found] = objections(
      `${SECURITY}\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec: {targetRef: {kind: Service, name: orders}, rules: [{}]}`,
    );
    assert.equal(found, `spec.targetRefs: AuthorizationPolicy shop/a ${SENTENCE}`);
  });

  it('rules about calls are refused for the callers that they are for', () => {
    const rule = (exportTo: string): string =>
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: shop}\nspec: {hosts: [orders], exportTo: [${exportTo}], http: [{route: [{destination: {host: orders}}]}]}`;
    const web = plane('traffic', { name: 'web', namespace: 'web', labels: {} });
    assert.deepEqual(objections(rule('"*"'), web), [
      'kind: VirtualService shop/a needs traffic: web cannot enforce it',
    ]);
    assert.deepEqual(objections(rule('"."'), web), []);
  });

  it('a mesh whose hosts outside are all known asks that of every data plane', () => {
    const config = (mode: string): string =>
      `apiVersion: rampart.dev/v1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {outboundTrafficPolicy: {mode: ${mode}}}`;
    const [found = ''] = objections(config('REGISTRY_ONLY'), plane('registry-only'));
    assert.match(found, /^spec\.outboundTrafficPolicy\.mode: MeshConfig .* needs registry-only: shop\/orders/);
    assert.deepEqual(objections(config('ALLOW_ANY'), plane('registry-only')), []);
  });
});
