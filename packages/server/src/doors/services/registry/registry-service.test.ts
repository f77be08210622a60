import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { InstanceRegistrationSchema, WatchInstancesResponse } from '@rampart/wire';
import type { ControlPlane } from '../../../control-plane.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { TestPlanes, until } from '../../../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../../../testing/workload-client.ts';
import { ERROR_CODE_METADATA } from '../../outcomes/error-code-metadata.ts';

type Registration = Exclude<MessageInitShape<typeof InstanceRegistrationSchema>, { $typeName: string }>;

const ORDERS: Registration = {
  instanceId: 'orders-1',
  service: 'orders',
  namespace: 'default',
  host: '10.0.1.1',
  port: 80,
};
const NAME = { service: 'orders', namespace: 'default' };

/** One control plane for all of them; each uses instance ids of its own. */
describe('the registry service', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let operator: ApiClient['registry'];
  let orders: ApiClient;
  let serial = '';

  before(async () => {
    await planes.open();
    plane = await planes.start();
    operator = planes.keep(connectAsAdmin(plane)).registry;
    const { credentials } = await attest(plane, {
      namespace: 'default',
      serviceAccount: 'orders',
      service: 'orders',
    });
    serial = new X509Certificate(credentials.certificate).serialNumber;
    orders = planes.keep(connectTo(plane, { credentials }));
  });
  after(() => planes.close());

  it('registers what a workload was attested as, and shows every field', async () => {
    const { instance } = await orders.registry.register({
      instance: {
        ...ORDERS,
        tags: ['v1'],
        metadata: { team: 'shop' },
        weights: { passing: 5, warning: 1 },
        locality: { region: 'eu', zone: 'eu-1' },
        version: '2.1.0',
        checks: [{ kind: { case: 'ttl', value: { ttlMs: 60_000n } }, initialStatus: 'passing' }],
        leaseMs: 60_000n,
      },
    });
    const found = await operator.find(NAME);
    assert.deepEqual(found.instances, [instance]);
    assert.deepEqual(
      [instance?.spiffeId, instance?.owner, instance?.protocol, instance?.health],
      ['spiffe://cluster.local/ns/default/sa/orders', instance?.spiffeId, 'http', 'passing'],
    );
    assert.deepEqual([instance?.tags, instance?.locality?.zone, instance?.weights?.passing], [['v1'], 'eu-1', 5]);
    const { services } = await operator.listServices({ namespace: 'default' });
    assert.deepEqual(
      services.map(({ name, instances, tags }) => [name, instances, tags]),
      [['orders', 1, ['v1']]],
    );
  });

  const refusals: readonly (readonly [rule: string, change: Registration, code: string])[] = [
    ['a service that the workload was not attested as', { service: 'payments' }, 'PERMISSION_DENIED'],
    ['a namespace that is not its own', { namespace: 'prod' }, 'PERMISSION_DENIED'],
    ['another identity than its own', { spiffeId: 'spiffe://cluster.local/ns/default/sa/other' }, 'PERMISSION_DENIED'],
    ['a port out of range', { port: 70_000 }, 'INVALID_ARGUMENT'],
    ['a check of no kind', { checks: [{ name: 'x' }] }, 'INVALID_ARGUMENT'],
    [
      'an unknown status',
      { checks: [{ kind: { case: 'tcp', value: {} }, initialStatus: 'fine' }] },
      'INVALID_ARGUMENT',
    ],
    ['a lease without end that ends', { permanent: true, leaseMs: 1000n }, 'INVALID_ARGUMENT'],
  ];
  for (const [rule, change, code] of refusals)
    it(`refuses ${rule}`, async () => {
      const instance = { ...ORDERS, instanceId: 'refused', ...change };
      assert.equal(await codeOf(orders.registry.register({ instance })), code);
    });

  it('lets operators register what is outside of the mesh, and nobody take it over', async () => {
    const instance = { ...ORDERS, instanceId: 'db', service: 'database', permanent: true };
    const registered = await operator.register({ instance });
    assert.deepEqual([registered.instance?.spiffeId, registered.instance?.owner], ['', 'operator:bootstrap']);
    const taken = orders.registry.register({ instance: { ...ORDERS, instanceId: 'db' } });
    assert.equal(await codeOf(taken), 'PERMISSION_DENIED');
    for (const act of [
      orders.registry.deregister({ instanceId: 'db' }),
      orders.registry.drain({ instanceId: 'db' }),
      orders.registry.setMaintenance({ instanceId: 'db', enabled: true }),
    ])
      assert.equal(await codeOf(act), 'PERMISSION_DENIED');
    await operator.deregister({ instanceId: 'db' });
    assert.equal(await codeOf(operator.deregister({ instanceId: 'db' })), 'NOT_FOUND');
  });

  it('takes an instance out of service and back: drain and maintenance', async () => {
    await orders.registry.register({ instance: { ...ORDERS, instanceId: 'standing', leaseMs: 60_000n } });
    const usable = async (): Promise<boolean> =>
      (await operator.find({ ...NAME, health: 'usable' })).instances.some(
        ({ instanceId }) => instanceId === 'standing',
      );
    assert.equal((await orders.registry.drain({ instanceId: 'standing' })).instance?.draining, true);
    assert.equal(await usable(), false);
    await orders.registry.drain({ instanceId: 'standing', undo: true });
    assert.equal(await usable(), true);
    const { instance } = await operator.setMaintenance({ instanceId: 'standing', enabled: true, reason: 'a disk' });
    assert.deepEqual([instance?.health, instance?.maintenance?.reason], ['maintenance', 'a disk']);
    const again = await orders.registry.register({ instance: { ...ORDERS, instanceId: 'standing', port: 81 } });
    assert.equal(again.instance?.health, 'maintenance', 'it cannot register itself back into service');
    await operator.setMaintenance({ instanceId: 'standing' });
    assert.equal(await usable(), true);
  });

  it('takes what an instance reports of its TTL check', async () => {
    const checks: Registration['checks'] = [{ kind: { case: 'ttl', value: { ttlMs: 60_000n } } }];
    const instance = { ...ORDERS, instanceId: 'reports', checks };
    assert.equal((await orders.registry.register({ instance })).instance?.health, 'critical');
    const report = { instanceId: 'reports', status: 'warning', output: 'x'.repeat(5000) };
    const reported = await orders.registry.reportCheck(report);
    const [check] = reported.instance?.checks ?? [];
    assert.deepEqual([check?.status, check?.output.length, check?.type], ['warning', 4096, 'ttl']);
    assert.equal(await codeOf(orders.registry.reportCheck({ ...report, checkId: 'never' })), 'NOT_FOUND');
  });

  it('renews leases, and names what is not registered', async () => {
    await orders.registry.register({ instance: { ...ORDERS, instanceId: 'renewed' } });
    const { unknown } = await orders.registry.renew({ instanceIds: ['renewed', 'never', 'db'] });
    assert.deepEqual(unknown, ['never', 'db']);
  });

  it('tells a watch what is there and what changes, and lets it go on from any revision', async () => {
    const scope = { namespace: 'default', service: 'watched' };
    const instance = { ...ORDERS, instanceId: 'w-1', service: 'watched', permanent: true };
    await operator.register({ instance });
    const watch = watching(operator.watch(scope));
    await until('the state', () => watch.events.length > 0);
    await operator.register({ instance: { ...instance, instanceId: 'w-2' } });
    await operator.register({ instance: { ...ORDERS, instanceId: 'w-3', service: 'unrelated' } });
    await operator.deregister({ instanceId: 'w-1' });
    await until('the changes', () => watch.events.length >= 3);
    assert.deepEqual(
      watch.messages.map(({ reset, events }) => [reset, events.length]),
      [
        [true, 1],
        [false, 1],
        [false, 1],
      ],
    );
    assert.deepEqual(watch.events, ['put w-1', 'put w-2', 'gone w-1']);
    const resumed = watching(operator.watch({ ...scope, from: watch.messages[0]?.revision ?? 0n }));
    await until('the same changes', () => resumed.events.length >= 2);
    assert.deepEqual(resumed.events, ['put w-2', 'gone w-1']);
    watch.end();
    resumed.end();
  });

  it('tells a watch of healthy instances that one is not any more', async () => {
    const scope = { namespace: 'default', service: 'healthy' };
    await operator.register({ instance: { ...ORDERS, instanceId: 'h-1', service: 'healthy', permanent: true } });
    const watch = watching(operator.watch({ ...scope, health: 'usable' }));
    await until('the state', () => watch.events.length > 0);
    await operator.drain({ instanceId: 'h-1' });
    await operator.drain({ instanceId: 'h-1', undo: true });
    await until('both changes', () => watch.events.length >= 3);
    assert.deepEqual(watch.events, ['put h-1', 'gone h-1', 'put h-1']);
    watch.end();
  });

  const places: readonly (readonly [rule: string, from: bigint, code: string, connect: Code])[] = [
    ['a revision that history no longer reaches', 1n, 'WATCH_COMPACTED', Code.OutOfRange],
    ['a revision that is not there yet', 1n << 60n, 'FUTURE_REVISION', Code.FailedPrecondition],
  ];
  for (const [rule, from, code, connect] of places)
    it(`refuses a watch from ${rule}`, async () => {
      const watch = watching(operator.watch({ from }));
      await until('the refusal', () => watch.error !== undefined);
      assert.equal(ConnectError.from(watch.error).code, connect);
      assert.equal(ConnectError.from(watch.error).metadata.get(ERROR_CODE_METADATA), code);
    });

  it('ends the watch of a workload whose certificate is revoked, before it is told anything more', async () => {
    const watch = watching(orders.registry.watch({ namespace: 'default', service: 'secret' }));
    await until('the state', () => watch.messages.length > 0);
    const admin = connectAsAdmin(plane);
    await admin.admin.revokeCertificate({ serial });
    admin.close();
    await operator.register({ instance: { ...ORDERS, instanceId: 's-1', service: 'secret' } });
    await until('the end', () => watch.error !== undefined);
    assert.deepEqual(watch.events, []);
  });
});

describe('a watch of the registry', () => {
  const planes = new TestPlanes();
  before(() => planes.open());
  after(() => planes.close());

  it('hears from time to time how far it has come', async () => {
    const clock = new ManualClock();
    const client = connectAsAdmin(await planes.start({ clock }));
    const watch = watching(client.registry.watch({ namespace: 'default', service: 'quiet' }));
    await until('the state', () => watch.messages.length === 1);
    await client.registry.register({ instance: { ...ORDERS, permanent: true } });
    clock.advance(6000);
    await until('the bookmark', () => watch.messages.length === 2);
    const [state, bookmark] = watch.messages;
    assert.ok(state !== undefined && bookmark !== undefined);
    assert.deepEqual([bookmark.events.length, bookmark.revision > state.revision], [0, true]);
    watch.end();
    client.close();
  });
});

interface Watching {
  readonly messages: WatchInstancesResponse[];
  /** "put ID" and "gone ID". */
  readonly events: string[];
  error: unknown;
  end(): void;
}

function watching(stream: AsyncIterable<WatchInstancesResponse>): Watching {
  const iterator = stream[Symbol.asyncIterator]();
  const messages: WatchInstancesResponse[] = [];
  const events: string[] = [];
  const watch: Watching = { messages, events, error: undefined, end: () => void iterator.return?.() };
  const read = async (): Promise<void> => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      messages.push(next.value);
      events.push(...next.value.events.map(({ event }) => `${event.case ?? ''} ${event.value?.instanceId ?? ''}`));
    }
  };
  read().catch((error: unknown) => (watch.error = error));
  return watch;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error).metadata.get(ERROR_CODE_METADATA) ?? '';
  }
  return 'OK';
}
