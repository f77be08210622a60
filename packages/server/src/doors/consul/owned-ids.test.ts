import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../control-plane.ts';
import { TestPlanes } from '../../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin, connectTo } from '../../testing/workload-client.ts';

const RULES = `
service "cart" { policy = "write" identity = "token:cart" }
service "till" { policy = "write" identity = "token:till" }
`;

interface Service {
  readonly ID: string;
  readonly Service: string;
  readonly Port: number;
}

describe('ids at the door of Consul', () => {
  const planes = new TestPlanes();
  const tokens = new Map<string, string>();
  let plane: ControlPlane;
  let admin: ApiClient;

  before(async () => {
    await planes.open();
    plane = await planes.start({ consul: { httpPort: 0 } });
    admin = planes.keep(connectAsAdmin(plane));
    await admin.admin.apply({ document: RULES.replaceAll(' identity', '\n identity'), file: 'rules.hcl' });
    for (const name of ['cart', 'till']) {
      const { token } = await admin.tokens.createApiToken({ name, role: 'service' });
      tokens.set(name, token);
    }
  });
  after(() => planes.close());

  async function ask(name: string, path: string, body?: object): Promise<readonly [status: number, text: string]> {
    const answer = await fetch(`${plane.addresses.consul ?? ''}${path}`, {
      headers: { 'x-consul-token': tokens.get(name) ?? '' },
      ...(body === undefined ? {} : { method: 'PUT', body: JSON.stringify(body) }),
    });
    return [answer.status, await answer.text()];
  }

  const register = (name: string, fields: object = {}): Promise<readonly [number, string]> =>
    ask(name, '/v1/agent/service/register', { ID: 'web-1', Name: name, Port: 80, Check: { TTL: '1h' }, ...fields });

  async function services(name: string): Promise<readonly (readonly [id: string, service: string, port: number])[]> {
    const [, text] = await ask(name, '/v1/agent/services');
    return Object.values(JSON.parse(text) as Record<string, Service>).map(({ ID, Service, Port }) => [
      ID,
      Service,
      Port,
    ]);
  }

  it('are each owner’s own, and answer alike whether another has one', async () => {
    assert.deepEqual(await register('cart'), [200, '']);
    assert.deepEqual(await register('till', { Port: 81 }), [200, '']);
    assert.deepEqual(await register('till', { Port: 82 }), [200, ''], 'again');
    assert.deepEqual(await services('cart'), [['web-1', 'cart', 80]]);
    assert.deepEqual(await services('till'), [['web-1', 'till', 82]]);
    const { instances } = await admin.registry.find({ service: 'till', namespace: 'default' });
    assert.deepEqual(
      instances.map(({ port, checks }) => [port, checks.map(({ checkId }) => checkId)]),
      [[82, ['service:web-1']]],
    );
  });

  it('mean the caller’s own, in everything that is done to them', async () => {
    const state = async (service: string): Promise<string | undefined> =>
      (await admin.registry.find({ service, namespace: 'default' })).instances[0]?.health;
    assert.deepEqual(await ask('till', '/v1/agent/check/pass/service:web-1', {}), [200, '']);
    assert.deepEqual([await state('cart'), await state('till')], ['critical', 'passing']);
    assert.deepEqual(await ask('cart', '/v1/agent/service/maintenance/web-1?enable=true', {}), [200, '']);
    assert.deepEqual([await state('cart'), await state('till')], ['maintenance', 'passing']);
    assert.match((await ask('till', '/v1/agent/service/web-1'))[1], /"Service":"till"/);
    assert.match((await ask('till', '/v1/agent/health/service/id/web-1'))[1], /"AggregatedStatus":"passing"/);
    assert.deepEqual(await ask('till', '/v1/agent/check/register', { ServiceID: 'web-1', Name: 'more', TTL: '1h' }), [
      200,
      '',
    ]);
    assert.deepEqual(await ask('till', '/v1/agent/check/deregister/more', {}), [200, '']);
  });

  it('that were set free go to nobody else by it', async () => {
    assert.deepEqual(await ask('cart', '/v1/agent/service/deregister/web-1', {}), [200, '']);
    assert.deepEqual(await services('till'), [['web-1', 'till', 82]]);
    const gone = await ask('cart', '/v1/agent/service/deregister/web-1', {});
    const never = await ask('cart', '/v1/agent/service/deregister/web-9', {});
    assert.deepEqual([gone[0], gone[1].replaceAll('web-1', 'ID')], [never[0], never[1].replaceAll('web-9', 'ID')]);
    assert.deepEqual(await register('till', { Port: 83 }), [200, '']);
    assert.deepEqual(await services('till'), [['web-1', 'till', 83]]);
    assert.deepEqual(await ask('till', '/v1/agent/service/deregister/web-1', {}), [200, '']);
    assert.deepEqual(await services('till'), []);
  });

  it('cannot be taken before their owner comes, whatever host is said', async () => {
    for (const id of ['web-1', 'web-1:ip-127-0-0-1', 'web-1:ip-127-0-0-1.default'])
      assert.deepEqual(await register('cart', { ID: id, Check: { TTL: '1h', CheckID: `c-${id}` } }), [200, '']);
    assert.deepEqual(await register('till'), [200, '']);
    assert.deepEqual(await services('till'), [['web-1', 'till', 80]]);
    assert.deepEqual(await ask('till', '/v1/agent/service/deregister/web-1', {}), [200, '']);
  });

  it('of nodes are those of the host that had them first; others go by their addresses', async () => {
    for (const [name, address, id] of [
      ['cart', '10.0.0.1', 'c'],
      ['till', '10.6.6.6', 't'],
    ] as const) {
      const node = { Node: 'DB-1', Address: address, Service: { Service: name, ID: id, Port: 5432 } };
      assert.deepEqual(await ask(name, '/v1/catalog/register', node), [200, 'true']);
    }
    const { token } = await admin.tokens.createApiToken({ name: 'viewer', role: 'admin' });
    tokens.set('viewer', token);
    const read = async <T>(path: string): Promise<T> => JSON.parse((await ask('viewer', path))[1]) as T;
    interface OneNode {
      readonly Node: { readonly Node: string; readonly Address: string };
      readonly Services: Record<string, unknown>;
    }
    for (const [asked, node, address, services] of [
      ['db-1', 'DB-1', '10.0.0.1', ['c']],
      ['ip-10-6-6-6', 'ip-10-6-6-6', '10.6.6.6', ['t']],
    ] as const) {
      const found = await read<OneNode>(`/v1/catalog/node/${asked}`);
      assert.deepEqual([found.Node.Node, found.Node.Address, Object.keys(found.Services)], [node, address, services]);
    }
    const nodes = await read<readonly OneNode['Node'][]>('/v1/catalog/nodes');
    const known = nodes.map(({ Node, Address }) => `${Node} ${Address}`).filter((text) => / 10\.[06]/.test(text));
    assert.deepEqual(known, ['DB-1 10.0.0.1', 'ip-10-6-6-6 10.6.6.6']);
    assert.deepEqual(await ask('till', '/v1/catalog/deregister', { Node: 'DB-1', ServiceID: 't' }), [200, 'true']);
    assert.equal(await read<null>('/v1/catalog/node/ip-10-6-6-6'), null);
  });

  it('of operators are refused where another has them: they may know', async () => {
    await register('cart');
    const { token } = await admin.tokens.createApiToken({ name: 'boss', role: 'admin' });
    tokens.set('boss', token);
    const [status, text] = await register('boss', { Name: 'cart' });
    assert.deepEqual([status, /held by another identity/.test(text)], [403, true]);
  });

  it('with the mark of the registry are nobody’s to give', async () => {
    const [status, text] = await register('cart', { ID: 'web-1~0123456789abcdef' });
    assert.deepEqual([status, /instanceId must be/.test(text)], [400, true]);
  });

  it('are answered alike by the registry’s own door, where a caller may not know of the holder', async () => {
    const as = (name: string): ApiClient => {
      const client = planes.keep(connectTo(plane, { token: tokens.get(name) ?? '' }));
      return client;
    };
    const instance = { instanceId: 'own-1', namespace: 'default', host: '10.0.0.1', port: 80, leaseMs: 60_000n };
    const [cart, till] = [as('cart'), as('till')];
    for (const [client, service] of [
      [cart, 'cart'],
      [till, 'till'],
    ] as const) {
      const answer = await client.registry.register({ instance: { ...instance, service } });
      assert.equal(answer.instance?.instanceId, 'own-1');
      const { instances } = await client.registry.find({ service, namespace: 'default' });
      assert.ok(instances.some(({ instanceId }) => instanceId === 'own-1'));
      assert.deepEqual((await client.registry.renew({ instanceIds: ['own-1'] })).unknown, []);
    }
    await till.registry.deregister({ instanceId: 'own-1' });
    await assert.rejects(till.registry.deregister({ instanceId: 'own-1' }), /"own-1" is not registered/);
    assert.deepEqual((await cart.registry.renew({ instanceIds: ['own-1'] })).unknown, []);
  });
});
