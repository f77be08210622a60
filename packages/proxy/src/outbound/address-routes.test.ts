import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, SpiffeId } from '@rampart/core';
import { MeshView } from '@rampart/mesh';
import type { MeshService, Route, Target } from '@rampart/mesh';

import { AddressRoutes } from './address-routes.ts';
import { InstanceAddresses } from './instance-addresses.ts';

const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/db');

function service(name: string, ...hosts: string[]): MeshService {
  return {
    name,
    namespace: 'default',
    host: `${name}.default.svc`,
    endpoints: hosts.map((host) => ({
      instanceId: `${name}-${host}`,
      host,
      port: 5432,
      protocol: 'tcp',
      spiffeId,
      identity: spiffeId.toString(),
      labels: {},
      address: `${host}:5432`,
    })),
  };
}

describe('addresses of instances', () => {
  it('lead to the instances that answer there now', () => {
    const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    const addresses = new InstanceAddresses(view);
    const tell = (...services: MeshService[]): void => {
      view.apply({ revision: 1, reset: false, resources: [], services, revokedSerials: [] });
    };
    const found = (host: string, port = 5432): string | undefined => addresses.at({ host, port })?.endpoint.instanceId;
    tell(service('db', '10.0.0.1', '10.0.0.2'), service('cache', '10.0.0.3'));
    assert.deepEqual(
      ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((host) => found(host)),
      ['db-10.0.0.1', 'db-10.0.0.2', 'cache-10.0.0.3', undefined],
    );
    assert.equal(found('10.0.0.1', 80), undefined);
    tell(service('db', '10.0.0.2'), service('cache', '10.0.0.1'));
    tell(service('db'));
    assert.deepEqual(
      [found('10.0.0.1'), found('10.0.0.2'), found('10.0.0.3')],
      ['cache-10.0.0.1', undefined, undefined],
    );
    addresses.close();
    tell(service('db', '10.0.0.5'));
    const late = new InstanceAddresses(view);
    assert.equal(late.at({ host: '10.0.0.5', port: 5432 })?.endpoint.instanceId, 'db-10.0.0.5', 'known before');
    late.close();
  });
});

describe('where an application wants to go', () => {
  const db = service('db', '10.0.0.1', '10.0.0.2');
  const [endpoint] = db.endpoints;
  const asked: string[] = [];
  const outside: Route = { kind: 'outside' };
  const ask = (host: string, port: number): Route => {
    asked.push(`${host} ${port}`);
    return outside;
  };
  const routes = new AddressRoutes({
    outbound: {
      route: ask,
      routeRequest: ask,
      routeTo: (target: Target): Route => ({ kind: 'mesh', target }),
    },
    instances: {
      at: ({ host, port }) =>
        endpoint?.host === host && endpoint.port === port ? { service: db, endpoint } : undefined,
    },
    nameAt: (address) => (address === '127.64.0.1' ? 'db.default.svc' : undefined),
  });

  for (const [rule, host, port, expected] of [
    ['a name is what the mesh makes of it', 'db', 80, 'db 80'],
    ['an address of the loopback is its service', '127.64.0.1', 5432, 'db.default.svc 5432'],
    ['any other address is itself', '10.0.0.9', 5432, '10.0.0.9 5432'],
    ['another port of an instance is not the instance', '10.0.0.1', 22, '10.0.0.1 22'],
  ] as const) {
    it(rule, () => {
      routes.route({ host, port });
      assert.equal(asked.at(-1), expected);
    });
  }

  it('the address of an instance is that instance, whatever other ones there are', () => {
    const route = routes.route({ host: '10.0.0.1', port: 5432 });
    assert.equal(route.kind === 'mesh' && route.target.endpoint.instanceId, 'db-10.0.0.1');
  });
});
