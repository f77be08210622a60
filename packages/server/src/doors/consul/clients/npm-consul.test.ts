import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import Consul from 'consul';
import type { ControlPlane } from '../../../control-plane.ts';
import { TestPlanes } from '../../../testing/test-plane.ts';

/** The client library of the npm package `consul`, which nobody here wrote. */
describe('the npm package consul', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let consul: Consul;

  before(async () => {
    await planes.open();
    plane = await planes.start({ consul: { httpPort: 0 } });
    const { hostname, port } = new URL(plane.addresses.consul ?? '');
    const token = readFileSync(plane.adminTokenFile, 'utf8').trim();
    consul = new Consul({ host: hostname, port: Number(port), defaults: { token } });
  });

  after(async () => {
    consul.destroy();
    await planes.close();
  });

  it('registers a service, finds it, and takes it away', async () => {
    await consul.agent.service.register({
      id: 'cart-1',
      name: 'cart',
      address: '10.0.0.1',
      port: 8080,
      tags: ['v1', 'edge'],
      meta: { version: '2.1.0' },
    });
    const services = await consul.agent.services();
    assert.deepEqual(services['cart-1'], {
      ID: 'cart-1',
      Service: 'cart',
      Tags: ['v1', 'edge'],
      Meta: { version: '2.1.0' },
      Port: 8080,
      Address: '10.0.0.1',
      TaggedAddresses: {
        lan_ipv4: { Address: '10.0.0.1', Port: 8080 },
        wan_ipv4: { Address: '10.0.0.1', Port: 8080 },
      },
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
      Datacenter: 'dc1',
    });
    const [entry] = await consul.health.service({ service: 'cart', passing: true });
    assert.deepEqual([entry?.Node.Node, entry?.Service.ID, entry?.Checks], ['ip-10-0-0-1', 'cart-1', []]);
    assert.deepEqual(await consul.catalog.service.list(), { cart: ['edge', 'v1'] });
    const [node] = await consul.catalog.service.nodes('cart');
    assert.deepEqual([node?.Address, node?.ServicePort, node?.ServiceMeta], ['10.0.0.1', 8080, { version: '2.1.0' }]);
    await consul.agent.service.deregister('cart-1');
    assert.deepEqual(await consul.health.service('cart'), []);
  });

  it('the second host with the same id is another instance', async () => {
    for (const address of ['10.0.1.1', '10.0.1.2']) {
      await consul.agent.service.register({ name: 'twin', address, port: 80 });
    }
    const entries = await consul.health.service('twin');
    assert.deepEqual(
      entries.map(({ Node, Service }: { Node: { Address: string }; Service: { ID: string } }) => [
        Node.Address,
        Service.ID,
      ]),
      [
        ['10.0.1.1', 'twin'],
        ['10.0.1.2', 'twin'],
      ],
    );
    await consul.agent.service.register({ name: 'twin', address: '10.0.1.2', port: 81 });
    assert.equal((await consul.health.service('twin')).length, 2);
  });

  it('TTL checks are reported, and decide who passes', async () => {
    await consul.agent.service.register({
      name: 'pulse',
      address: '10.0.0.3',
      port: 80,
      check: { name: 'beat', ttl: '30s', timeout: '5s' },
    });
    const passing = async (): Promise<number> =>
      (await consul.health.service({ service: 'pulse', passing: true })).length;
    assert.equal(await passing(), 0, 'critical at first');
    await consul.agent.check.pass({ id: 'service:pulse', note: 'fine' });
    assert.equal(await passing(), 1);
    const checks = await consul.agent.checks();
    assert.equal(checks['service:pulse']?.Output, 'fine');
    await consul.agent.check.warn('service:pulse');
    assert.equal((await consul.health.checks('pulse'))[0]?.Status, 'warning');
    await consul.agent.check.fail('service:pulse');
    assert.deepEqual(
      (await consul.health.state('critical')).map(({ CheckID }: { CheckID: string }) => CheckID),
      ['service:pulse'],
    );
    await consul.agent.check.register({
      name: 'second',
      serviceid: 'pulse',
      ttl: '1m',
      timeout: '5s',
      status: 'passing',
    });
    assert.equal((await consul.health.checks('pulse')).length, 2);
    await consul.agent.check.deregister('second');
    assert.equal((await consul.health.checks('pulse')).length, 1);
  });

  it('a registration that is repeated keeps the checks that were added, unless it is to replace them', async () => {
    const service = {
      name: 'kept',
      address: '10.0.0.5',
      port: 80,
      checks: [
        { name: 'beat', ttl: '30s', timeout: '5s' },
        { name: 'tick', ttl: '40s', timeout: '5s' },
      ],
    };
    const checksOf = async (): Promise<readonly string[]> =>
      (await consul.health.checks('kept')).map(({ CheckID }: { CheckID: string }) => CheckID);
    await consul.agent.service.register(service);
    await consul.agent.check.register({
      name: 'added',
      serviceid: 'kept',
      ttl: '1m',
      timeout: '5s',
      status: 'passing',
    });
    await consul.agent.check.pass('service:kept:1');
    await consul.agent.service.register(service);
    assert.deepEqual(await checksOf(), ['service:kept:1', 'service:kept:2', 'added']);
    assert.equal((await consul.health.checks('kept'))[0]?.Status, 'passing');
    // The library has no word for it.
    const address = `${plane.addresses.consul ?? ''}/v1/agent/service/register?replace-existing-checks=true`;
    const headers = { 'x-consul-token': readFileSync(plane.adminTokenFile, 'utf8').trim() };
    const body = JSON.stringify({
      Name: 'kept',
      Address: '10.0.0.5',
      Port: 80,
      Checks: [{ TTL: '30s' }, { TTL: '40s' }],
    });
    assert.equal((await fetch(address, { method: 'PUT', headers, body })).status, 200);
    assert.deepEqual(await checksOf(), ['service:kept:1', 'service:kept:2']);
  });

  it('maintenance takes a service out and back', async () => {
    await consul.agent.service.register({ name: 'shed', address: '10.0.0.4', port: 80 });
    await consul.agent.service.maintenance({ id: 'shed', enable: true, reason: 'painting' });
    const [entry] = await consul.health.service('shed');
    const [check, another] = (entry?.Checks ?? []) as readonly Record<string, string>[];
    assert.deepEqual(
      [check?.['CheckID'], check?.['Status'], check?.['Notes'], another],
      ['_service_maintenance:shed', 'critical', 'painting', undefined],
    );
    await consul.agent.service.maintenance({ id: 'shed', enable: true });
    const [again] = await consul.health.service('shed');
    const [unreasoned] = (again?.Checks ?? []) as readonly Record<string, string>[];
    assert.match(unreasoned?.['Notes'] ?? '', /no reason was provided/);
    await consul.agent.service.maintenance({ id: 'shed', enable: false });
    assert.equal((await consul.health.service({ service: 'shed', passing: true })).length, 1);
  });

  it('a watch is told of each change', async () => {
    const watch = consul.watch({ method: consul.health.service, options: { service: 'seen', wait: '10s' } });
    const seen: number[] = [];
    const three = new Promise<void>((resolve, reject) => {
      watch.on('error', reject);
      watch.on('change', (entries: unknown[]) => {
        seen.push(entries.length);
        if (seen.length < 3) {
          const address = `10.3.0.${seen.length}`;
          void consul.agent.service.register({ id: `seen-${seen.length}`, name: 'seen', address, port: 80 });
        } else resolve();
      });
    });
    await three;
    watch.end();
    assert.deepEqual(seen, [0, 1, 2]);
  });

  it('services without an agent are in the catalog, under the node they were given', async () => {
    const service = { service: 'ledger', port: 5432, tags: ['primary'] };
    await consul.catalog.register({ node: 'ledger-db', address: 'db.example.com', service });
    const [found] = await consul.catalog.service.nodes('ledger');
    assert.deepEqual([found?.Node, found?.ServiceAddress], ['ledger-db', 'db.example.com']);
    assert.deepEqual(
      found?.TaggedAddresses,
      { lan: 'db.example.com', wan: 'db.example.com' },
      'a name is of no family',
    );
    const nodes = await consul.catalog.node.list();
    assert.ok(nodes.some(({ Node }: { Node: string }) => Node === 'ledger-db'));
    const { Services } = (await consul.catalog.node.services('ledger-db')) as { readonly Services: object };
    assert.deepEqual(Object.keys(Services), ['ledger']);
    await consul.catalog.deregister({ node: 'ledger-db', serviceid: 'ledger' });
    assert.deepEqual(await consul.catalog.service.nodes('ledger'), []);
  });

  it('is told who and where this is', async () => {
    assert.deepEqual(await consul.catalog.datacenters(), ['dc1']);
    const self = await consul.agent.self();
    assert.equal((self['Config'] as Record<string, unknown>)['Datacenter'], 'dc1');
    assert.equal(await consul.status.leader(), '127.0.0.1:8300');
    assert.deepEqual(await consul.status.peers(), ['127.0.0.1:8300']);
  });

  it('is told that keys are not kept here', async () => {
    await assert.rejects(consul.kv.get('colour'), /not part of this registry/);
    await assert.rejects(consul.session.list(), /not part of this registry/);
  });
});
