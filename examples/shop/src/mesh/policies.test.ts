import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { compileWorkloadPolicy, describeProblem } from '@rampart/core';
import type { Resource } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { NODE_SERVICES, SIDECAR_SERVICES } from '../workloads.ts';
import { OPENING_POLICY, POLICIES } from './folders.ts';
import { atPort, FRONTEND_POLICY, readPolicies } from './policies.ts';

const files = await readPolicies(POLICIES);
const shop = files.flatMap(parse);
const opened = [...shop, ...(await readPolicies(dirname(OPENING_POLICY))).flatMap(parse)];

function parse({ file, text }: { readonly file: string; readonly text: string }): Resource[] {
  const { resources, problems } = parseDocuments(text, { file });
  assert.deepEqual(problems.map(describeProblem), []);
  return resources;
}

interface Call {
  /** "namespace/service-account"; "" without identity. */
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly path: string;
  readonly port?: number;
}

/** "ALLOW namespace/name" or "DENY namespace/name". */
function decide(resources: readonly Resource[], call: Call): string {
  const workload = [...NODE_SERVICES, ...SIDECAR_SERVICES].find(({ name }) => name === call.to);
  assert.ok(workload);
  const policy = compileWorkloadPolicy({
    workload,
    resources,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  });
  const [namespace, account] = call.from.split('/');
  const connection = policy.forConnection({
    principal: call.from === '' ? undefined : `cluster.local/ns/${namespace ?? ''}/sa/${account ?? ''}`,
    sourceIp: '127.0.0.1',
    destinationIp: '127.0.0.1',
    destinationPort: call.port ?? 1234,
    sni: '',
  });
  const verdict =
    connection.admit() ??
    connection.evaluate({
      method: call.method,
      path: call.path,
      host: call.to,
      token: undefined,
      remoteIp: '127.0.0.1',
      header: () => undefined,
    });
  return `${verdict.decision} ${verdict.policy}`;
}

const GET = { method: 'GET' };
const POST = { method: 'POST' };
const user = { from: '', to: 'frontend', port: 8080 };
const calls: readonly (readonly [Call, string])[] = [
  [{ ...user, ...GET, path: '/' }, 'ALLOW production/allow-users-to-frontend'],
  [{ ...user, ...POST, path: '/orders' }, 'ALLOW production/allow-users-to-frontend'],
  [{ ...user, ...GET, path: '/orders/7/status' }, 'ALLOW production/allow-users-to-frontend'],
  [{ ...user, method: 'DELETE', path: '/orders/7' }, 'DENY production/allow-users-to-frontend'],
  [{ ...user, ...GET, path: '/health' }, 'DENY production/allow-users-to-frontend'],
  [{ ...user, ...GET, path: '/', port: 8081 }, 'DENY production/frontend'],
  [{ ...user, ...GET, path: '/', from: 'web/batch' }, 'DENY production/allow-users-to-frontend'],
  [
    { from: 'production/frontend', to: 'api-server', ...POST, path: '/api/v1/orders' },
    'ALLOW production/allow-frontend-to-api',
  ],
  [
    { from: 'production/frontend', to: 'api-server', method: 'PUT', path: '/api/v1/orders' },
    'DENY production/allow-frontend-to-api',
  ],
  [{ from: 'web/batch', to: 'api-server', ...GET, path: '/api/v1/orders' }, 'DENY production/allow-frontend-to-api'],
  [{ from: '', to: 'api-server', ...GET, path: '/api/v1/orders' }, 'DENY production/api-server'],
  [
    { from: 'production/api-server', to: 'users-api', ...POST, path: '/api/users/ada/orders' },
    'ALLOW default/users-api-policy',
  ],
  [
    { from: 'default/users-api', to: 'orders-api', ...POST, path: '/api/orders/new' },
    'ALLOW default/orders-api-policy',
  ],
  [{ from: 'default/users-api', to: 'orders-api', ...GET, path: '/health' }, 'DENY default/orders-api-policy'],
  [{ from: 'production/frontend', to: 'orders-api', ...GET, path: '/api/orders/1' }, 'DENY default/orders-api-policy'],
  [{ from: '', to: 'orders-api', ...GET, path: '/api/orders/1' }, 'DENY istio-system/default'],
  [
    { from: 'default/orders-api', to: 'payment-service', ...POST, path: '/api/payments' },
    'ALLOW prod/payment-service-policy',
  ],
  [
    { from: 'default/orders-api', to: 'payment-service', ...GET, path: '/api/payments' },
    'DENY prod/payment-service-policy',
  ],
  [
    { from: 'default/orders-api', to: 'notifications-api', method: 'PUT', path: '/api/notifications/1' },
    'ALLOW default/notifications-api-policy',
  ],
  [
    { from: 'default/users-api', to: 'notifications-api', method: 'PUT', path: '/api/notifications/1' },
    'DENY default/notifications-api-policy',
  ],
  [{ ...user, ...GET, path: '/images/lamp.svg' }, 'ALLOW production/allow-users-to-frontend'],
  [{ from: 'production/frontend', to: 'catalog', ...GET, path: '/images/lamp.svg' }, 'ALLOW production/catalog-policy'],
  [
    { from: 'production/frontend', to: 'catalog', ...GET, path: '/parcels/lamp.json' },
    'DENY production/catalog-policy',
  ],
  [
    { from: 'default/delivery-api', to: 'catalog', ...GET, path: '/parcels/lamp.json' },
    'ALLOW production/catalog-policy',
  ],
  [{ from: 'web/batch', to: 'catalog', ...GET, path: '/images/lamp.svg' }, 'DENY production/catalog-policy'],
  [
    { from: 'production/api-server', to: 'delivery-api', ...GET, path: '/api/deliveries/1' },
    'ALLOW default/delivery-api-policy',
  ],
  [{ from: 'web/batch', to: 'delivery-api', ...GET, path: '/api/deliveries/1' }, 'DENY default/delivery-api-policy'],
  [{ from: 'default/delivery-api', to: 'users-api', ...GET, path: '/api/users/ada' }, 'ALLOW default/users-api-policy'],
  [
    { from: 'default/delivery-api', to: 'users-api', ...GET, path: '/api/users/ada/orders/1' },
    'DENY default/users-api-policy',
  ],
];

for (const [call, decision] of calls) {
  const from = call.from === '' ? 'nobody' : call.from;
  test(`${from} → ${call.to}:${call.port ?? 'any'} ${call.method} ${call.path}: ${decision}`, () => {
    assert.equal(decide(shop, call), decision);
  });
}

test('the opening policy opens the shortcut, for reading only', () => {
  const call = { from: 'production/frontend', to: 'orders-api', path: '/api/orders/1' };
  assert.equal(decide(opened, { ...call, ...GET }), 'ALLOW default/allow-frontend-to-orders');
  assert.match(decide(opened, { ...call, ...POST }), /^DENY /);
});

test('the frontend’s exception follows its port', () => {
  const moved = files.map((policy) => (policy.file === FRONTEND_POLICY ? atPort(policy, 4711) : policy));
  const resources = moved.flatMap(parse);
  assert.match(decide(resources, { ...user, ...GET, path: '/', port: 4711 }), /^ALLOW /);
  assert.match(decide(resources, { ...user, ...GET, path: '/', port: 8080 }), /^DENY /);
});
