import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connectionOf, requestOf, type Call } from './testing/calls.ts';
import { resourcesOf } from './testing/documents.ts';
import { parseDocuments } from './documents.ts';
import { compileWorkloadPolicy, describeProblem, type WorkloadPolicy, type WorkloadRef } from './index.ts';

/** The users' documents, block by block as they stand there. */
const FIXTURES = new URL('../test-fixtures/seeds/', import.meta.url);
const textOf = (name: string): string => readFileSync(new URL(`${name}.yaml`, FIXTURES), 'utf8');

for (const file of readdirSync(FIXTURES)) {
  test(`${file} is accepted as it stands`, () => {
    const { resources, problems } = parseDocuments(textOf(file.replace(/\.yaml$/, '')), { file });
    assert.deepEqual(problems.map(describeProblem), []);
    assert.equal(resources.length, 1);
  });
}

const policyOf = (workload: WorkloadRef, ...files: readonly string[]): WorkloadPolicy =>
  compileWorkloadPolicy({
    workload,
    resources: files.flatMap((file) => resourcesOf(textOf(file))),
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  });

const ORDERS = policyOf(
  { namespace: 'default', serviceAccount: 'orders-api', labels: { app: 'orders-api' } },
  'orders-api-policy',
  'mesh-strict',
);
const API = policyOf(
  { namespace: 'production', serviceAccount: 'api-server', labels: { app: 'api-server' } },
  'allow-frontend-to-api',
  'deny-all',
  'workload-port-exception',
  'mesh-wide-strict',
);
const OTHER = policyOf(
  { namespace: 'production', serviceAccount: 'other', labels: { app: 'other' } },
  'allow-frontend-to-api',
  'deny-all',
  'mesh-wide-strict',
);
const USERS = 'cluster.local/ns/default/sa/users-api';
const FRONTEND = 'cluster.local/ns/production/sa/frontend';

const cases: readonly [fact: string, policy: WorkloadPolicy, call: Call, expected: 'ALLOW' | 'DENY'][] = [
  ['users-api may read an order', ORDERS, { principal: USERS, path: '/api/orders/42' }, 'ALLOW'],
  ['users-api may place an order', ORDERS, { principal: USERS, method: 'POST', path: '/api/orders/' }, 'ALLOW'],
  ['users-api may not delete an order', ORDERS, { principal: USERS, method: 'DELETE', path: '/api/orders/42' }, 'DENY'],
  ['users-api may not read what is not an order', ORDERS, { principal: USERS, path: '/api/admin' }, 'DENY'],
  ['users-api may not list by the path without slash', ORDERS, { principal: USERS, path: '/api/orders' }, 'DENY'],
  ['frontend may not read an order', ORDERS, { principal: FRONTEND, path: '/api/orders/42' }, 'DENY'],
  ['nobody may come in plaintext', ORDERS, { principal: null, path: '/api/orders/42' }, 'DENY'],
  [
    'the same account of another trust domain may not',
    ORDERS,
    { principal: 'evil.example/ns/default/sa/users-api', path: '/api/orders/42' },
    'DENY',
  ],
  ['frontend may call the api server beside deny-all', API, { principal: FRONTEND, path: '/api/v1/x' }, 'ALLOW'],
  ['frontend may not call another version', API, { principal: FRONTEND, path: '/api/v2/x' }, 'DENY'],
  ['deny-all denies every other workload', OTHER, { principal: FRONTEND, path: '/api/v1/x' }, 'DENY'],
];

for (const [fact, policy, call, expected] of cases) {
  test(`by the seeds, ${fact}`, () => {
    assert.equal(policy.forConnection(connectionOf(call)).evaluate(requestOf(call)).decision, expected);
  });
}

test('by the seeds, TLS modes come from the mesh, the workload and the port', () => {
  assert.equal(ORDERS.tlsMode(80).describe, 'STRICT from mesh istio-system');
  assert.equal(API.tlsMode(443).describe, 'STRICT from workload production/api-server');
  assert.equal(API.tlsMode(8080).describe, 'PERMISSIVE from port 8080 of production/api-server');
  const legacy = policyOf(
    { namespace: 'legacy-apps', serviceAccount: 'a', labels: {} },
    'namespace-permissive',
    'mesh-strict',
  );
  assert.equal(legacy.tlsMode(80).describe, 'PERMISSIVE from namespace legacy-apps');
});

test('by the seeds, require-jwt asks for a token of the issuer with one of the groups', () => {
  const policy = policyOf(
    { namespace: 'production', serviceAccount: 'api-server', labels: { app: 'api-server' } },
    'require-jwt',
  );
  const decision = (issuer: string, groups: readonly string[]): string => {
    const claims = { iss: issuer, sub: 'alice', groups };
    const token = { principal: `${issuer}/alice`, issuer, subject: 'alice', claims, spaceDelimitedClaims: [] };
    return policy.forConnection(connectionOf({})).evaluate(requestOf({ token })).decision;
  };
  assert.equal(decision('https://auth.example.com', ['api-users']), 'ALLOW');
  assert.equal(decision('https://auth.example.com', ['others']), 'DENY');
  assert.equal(decision('https://evil.example.com', ['admin']), 'DENY');
  assert.equal(policy.forConnection(connectionOf({})).evaluate(requestOf({})).decision, 'DENY');
});

test('the rule of the seeds’ drawing of an AuthorizationPolicy is accepted', () => {
  const [resource] = resourcesOf(`
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: structure
spec:
  selector:
    matchLabels:
      app: api-server
  action: ALLOW
  rules:
    - from:
        - source:
            principals: ["cluster.local/ns/web/sa/frontend"]
            namespaces: ["production"]
            ipBlocks: ["10.0.0.0/8"]
      to:
        - operation:
            methods: ["GET", "POST"]
            paths: ["/api/*"]
            ports: ["8080"]
      when:
        - key: request.headers[x-api-key]
          values: ["valid-key"]
`);
  assert.equal(resource?.metadata.name, 'structure');
});
