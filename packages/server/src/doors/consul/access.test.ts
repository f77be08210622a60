import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AclParts } from './acl/acl-parts.ts';
import { consulAccessOf, listedEndpoints } from './access.ts';
import { consulRoutes } from './consul-api.ts';
import { RouteTable } from './http/route.ts';
import type { RegistryView } from './registry-view.ts';

/** Handlers look at what they answer from only when they are called. */
const ENDPOINTS = Object.keys(consulRoutes({} as RegistryView, {} as AclParts));

/** Paths of the API of Consul 1.20 (website/content/api-docs) that clients may try. */
const OTHERS = [
  'PUT /v1/kv/a/b',
  'PUT /v1/session/create',
  'PUT /v1/event/fire/deploy',
  'GET /v1/event/list',
  'GET /v1/query',
  'GET /v1/query/x/execute',
  'PUT /v1/txn',
  'PUT /v1/config',
  'GET /v1/connect/ca/roots',
  'GET /v1/connect/intentions',
  'GET /v1/agent/connect/ca/leaf/web',
  'GET /v1/agent/metrics',
  'PUT /v1/agent/join/10.0.0.1',
  'PUT /v1/agent/maintenance',
  'PUT /v1/agent/token/default',
  'GET /v1/health/connect/web',
  'GET /v1/health/ingress/web',
  'GET /v1/catalog/connect/web',
  'GET /v1/coordinate/nodes',
  'GET /v1/discovery-chain/web',
  'GET /v1/operator/raft/configuration',
  'GET /v1/snapshot',
  'PUT /v1/acl/login',
  'GET /v1/acl/roles',
  'PUT /v1/acl/auth-method',
  'PUT /v1/acl/token/00000000-0000-0000-0000-000000000002/other',
  'GET /v1/namespaces',
  'GET /v1/peerings',
  'GET /v1/internal/ui/services',
] as const;

describe('the table of access of the Consul API', () => {
  for (const endpoint of ENDPOINTS) {
    it(`has a row for ${endpoint}`, () => assert.ok(!['nobody', undefined].includes(consulAccessOf(endpoint))));
  }

  it('has no row for an endpoint that nothing answers', () => {
    const open = listedEndpoints().filter((endpoint) => consulAccessOf(endpoint) !== 'nobody');
    assert.deepEqual(open.toSorted(), ENDPOINTS.toSorted());
  });

  it('lets anyone learn nothing but that this is here', () => {
    const anyone = listedEndpoints().filter((endpoint) => consulAccessOf(endpoint) === 'anyone');
    assert.deepEqual(anyone, [
      'GET /v1/status/leader',
      'GET /v1/status/peers',
      'GET /v1/catalog/datacenters',
      'PUT /v1/acl/bootstrap',
    ]);
  });

  it('asks for more than discovering wherever something is changed', () => {
    const careless = listedEndpoints().filter(
      (endpoint) => !endpoint.startsWith('GET ') && ['anyone', 'read'].includes(consulAccessOf(endpoint) ?? ''),
    );
    // It always says no.
    assert.deepEqual(careless, ['PUT /v1/acl/bootstrap']);
  });

  for (const call of OTHERS) {
    it(`says of ${call} that it is not part of this`, () => {
      const [method = '', path = ''] = call.split(' ');
      const found = new RouteTable(listedEndpoints()).find(method, path);
      assert.equal(found.kind === 'found' ? consulAccessOf(found.route.name) : found.kind, 'nobody');
    });
  }
});

describe('paths', () => {
  const table = new RouteTable(['GET /a/:id', 'PUT /a/fixed', 'ANY /a/*']);
  for (const [call, expected] of [
    ['GET /a/1', 'GET /a/:id'],
    ['GET /a/x%2Fy', 'GET /a/:id'],
    ['PUT /a/fixed', 'PUT /a/fixed'],
    ['GET /a/fixed', 'other-method'],
    ['PUT /a/1', 'other-method'],
    ['GET /a/', 'ANY /a/*'],
    ['GET /a/1/2', 'ANY /a/*'],
    ['GET /b', 'unknown'],
    ['GET /a/%zz', 'unknown'],
    ['GET /__proto__', 'unknown'],
  ] as const) {
    it(`${call} is ${expected}`, () => {
      const [method = '', path = ''] = call.split(' ');
      const found = table.find(method, path);
      assert.equal(found.kind === 'found' ? found.route.name : found.kind, expected);
    });
  }
});
