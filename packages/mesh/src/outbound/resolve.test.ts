import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS } from '@rampart/core';

import { MeshView } from '../view/mesh-view.ts';
import { resolve } from './resolve.ts';

function viewOf(...names: readonly (readonly [name: string, namespace: string])[]): MeshView {
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  const services = names.map(([name, namespace]) => ({
    name,
    namespace,
    host: `${name}.${namespace}.svc`,
    endpoints: [],
  }));
  view.apply({ revision: 1, reset: true, resources: [], services, revokedSerials: [] });
  return view;
}

describe('resolve', () => {
  const view = viewOf(['orders-api', 'default'], ['payment-service', 'prod']);
  const cases: readonly (readonly [rule: string, host: string, expected: string])[] = [
    ['a short name is of the caller’s own namespace', 'orders-api', 'orders-api.default.svc'],
    ['a short name does not reach another namespace', 'payment-service', 'outside'],
    ['name.namespace', 'payment-service.prod', 'payment-service.prod.svc'],
    ['name.namespace.svc', 'payment-service.prod.svc', 'payment-service.prod.svc'],
    ['the whole Kubernetes name', 'orders-api.default.svc.cluster.local', 'orders-api.default.svc'],
    ['names know no case', 'Orders-API', 'orders-api.default.svc'],
    ['localhost is this host', 'localhost', 'outside'],
    ['an address is no service', '127.0.0.1', 'outside'],
    ['an IPv6 address is no service', '::1', 'outside'],
    ['a public name is not ours', 'api.example.com', 'outside'],
    ['a name only the mesh could know never goes to DNS', 'ghost.default.svc', 'refused'],
    ['nor its long form', 'ghost.default.svc.cluster.local', 'refused'],
  ];
  for (const [rule, host, expected] of cases) {
    it(rule, () => {
      const found = resolve(host, view, 'default');
      assert.equal(found.kind === 'mesh' ? found.service.host : found.kind, expected);
    });
  }

  it('a service whose last instance is gone is still the mesh’s', () => {
    const held = viewOf(['orders-api', 'default']);
    held.apply({ revision: 2, reset: true, resources: [], services: [], revokedSerials: [] });
    assert.equal(resolve('orders-api', held, 'default').kind, 'mesh');
  });

  it('without any snapshot a short name goes nowhere', () => {
    const blank = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    assert.equal(resolve('orders-api', blank, 'default').kind, 'refused');
    assert.equal(resolve('orders-api.', blank, 'default').kind, 'refused', 'with its final dot, too');
    assert.equal(resolve('localhost', blank, 'default').kind, 'outside');
    assert.equal(resolve('api.example.com', blank, 'default').kind, 'outside');
  });
});
