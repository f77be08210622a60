import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, connectionOf, judge, requestOf } from '../testing/calls.ts';
import { peerAuthenticationOf, policyOf, resourcesOf } from '../testing/documents.ts';
import { ENFORCED_IN_PROCESS, requiredFeatures, type AuthorizationPolicy, type PolicyFeature } from '../index.ts';

const cases: readonly [feature: PolicyFeature, rules: string, field: string][] = [
  [
    'authorization.http',
    '- to: [{operation: {ports: ["1"], methods: [GET]}}]',
    'spec.rules[0].to[0].operation.methods',
  ],
  ['authorization.http', '- to: [{operation: {notHosts: [a]}}]', 'spec.rules[0].to[0].operation.notHosts'],
  ['authorization.http', '- when: [{key: "request.headers[a]", values: [b]}]', 'spec.rules[0].when[0].key'],
  [
    'authorization.pseudo-headers',
    '- when: [{key: "request.headers[:scheme]", values: [b]}]',
    'spec.rules[0].when[0].key',
  ],
  [
    'authorization.jwt',
    '- from: [{source: {requestPrincipals: ["*"]}}]',
    'spec.rules[0].from[0].source.requestPrincipals',
  ],
  [
    'authorization.jwt',
    '- from: [{source: {notRequestPrincipals: ["*"]}}]',
    'spec.rules[0].from[0].source.notRequestPrincipals',
  ],
  ['authorization.jwt', '- {}\n- when: [{key: "request.auth.claims[a]", values: [b]}]', 'spec.rules[1].when[0].key'],
  ['authorization.jwt', '- when: [{key: request.auth.principal, values: [b]}]', 'spec.rules[0].when[0].key'],
  ['authorization.jwt', '- when: [{key: request.auth.audiences, values: [b]}]', 'spec.rules[0].when[0].key'],
  ['authorization.jwt', '- when: [{key: request.auth.presenter, values: [b]}]', 'spec.rules[0].when[0].key'],
  [
    'authorization.remote-ip',
    '- from: [{source: {remoteIpBlocks: [1.1.1.1]}}]',
    'spec.rules[0].from[0].source.remoteIpBlocks',
  ],
  ['authorization.remote-ip', '- when: [{key: remote.ip, notValues: [1.1.1.1]}]', 'spec.rules[0].when[0].key'],
  [
    'authorization.envoy-filter',
    '- when: [{key: "experimental.envoy.filters.a[b]", values: [c]}]',
    'spec.rules[0].when[0].key',
  ],
];

for (const [feature, rules, field] of cases) {
  test(`${field} needs ${feature}: ${rules.replaceAll('\n', ' ')}`, () => {
    const policy = policyOf(rules);
    const found = requiredFeatures(policy).filter((required) => required.feature !== 'authorization.allow');
    assert.deepEqual(found, [{ feature, field }]);
    const verdict = judge([policy], {});
    if (ENFORCED_IN_PROCESS.includes(feature)) return assert.deepEqual(compile([policy]).problems, []);
    assert.equal(verdict.decision, 'DENY');
    assert.equal(
      verdict.reason,
      `AuthorizationPolicy shop/policy cannot be enforced here, so everything is denied: ${field} needs ${feature}`,
    );
  });
}

test('every action and every kind is a feature of its own', () => {
  const features = (policy: AuthorizationPolicy): string[] =>
    requiredFeatures(policy).map((required) => required.feature);
  assert.deepEqual(features(policyOf('- {}')), ['authorization.allow']);
  assert.deepEqual(features(policyOf('- {}', { action: 'DENY' })), ['authorization.deny']);
  assert.deepEqual(features(policyOf('- {}', { action: 'AUDIT' })), ['authorization.audit']);
  assert.deepEqual(features(policyOf('- {}', { dryRun: true })), ['authorization.allow', 'authorization.dry-run']);
  assert.deepEqual(requiredFeatures(peerAuthenticationOf('{}')), [{ feature: 'peer-authentication', field: 'kind' }]);
});

const CUSTOM = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ask, namespace: shop}
spec: {action: CUSTOM, provider: {name: opa}, rules: [{}]}
`;
const targeting = (kind: string, group: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: targets, namespace: shop}
spec: {targetRefs: [{kind: ${kind}, group: "${group}", name: a}], rules: [{}]}
`;

test('action CUSTOM denies everything where nobody can be asked', () => {
  const capabilities = ENFORCED_IN_PROCESS.filter((feature) => feature !== 'authorization.custom');
  const policy = compile(resourcesOf(CUSTOM), { capabilities });
  assert.equal(policy.problems.length, 1);
  assert.match(policy.problems[0] ?? '', /spec\.action needs authorization\.custom/);
  const connection = policy.forConnection(connectionOf({}));
  assert.equal(connection.evaluate(requestOf({})).decision, 'DENY');
  assert.equal(connection.evaluateTcp().decision, 'DENY');
  assert.equal(connection.admit()?.decision, 'DENY');
});

test('a claim to be able does not make the evaluator able', () => {
  const capabilities: PolicyFeature[] = ['authorization.allow', 'authorization.target-refs'];
  assert.equal(compile(resourcesOf(targeting('Service', '')), { capabilities }).problems.length, 1);
});

test('a policy that targets a service denies everything rather than be left out', () => {
  assert.match(
    compile(resourcesOf(targeting('Service', ''))).problems[0] ?? '',
    /targetRefs needs authorization\.target-refs/,
  );
});

test('a policy that targets a gateway is about the gateway alone', () => {
  assert.deepEqual(compile(resourcesOf(targeting('Gateway', 'gateway.networking.k8s.io'))).problems, []);
});

test('what cannot be enforced for another workload is no trouble of this one', () => {
  const policy = policyOf('- from: [{source: {requestPrincipals: ["*"]}}]', { selector: { app: 'users' } });
  assert.deepEqual(compile([policy]).problems, []);
});

test('a data plane that knows no HTTP denies everything under a policy that asks for it', () => {
  const capabilities: PolicyFeature[] = ['authorization.allow', 'authorization.deny', 'peer-authentication'];
  const policy = compile([policyOf('- to: [{operation: {methods: [GET]}}]')], { capabilities });
  assert.match(policy.problems[0] ?? '', /needs authorization\.http/);
  assert.deepEqual(compile([policyOf('- to: [{operation: {ports: ["1"]}}]')], { capabilities }).problems, []);
});

test('the TLS mode is known although the policies cannot be enforced', () => {
  const resources = [...resourcesOf(CUSTOM), peerAuthenticationOf('{mtls: {mode: STRICT}}')];
  assert.equal(compile(resources).tlsMode(8080).describe, 'STRICT from namespace shop');
});
