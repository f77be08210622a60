import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RampartError, SpiffeId } from '@rampart/core';
import { auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import type { AuditRecord, JournalStore } from '@rampart/journal';
import { nameOfIdentity, type RegistryIdentity } from './admission/identity.ts';
import { FakeClock } from './leases/fake-clock.ts';
import { createMemoryRegistryStore } from './memory-store.ts';
import type { RegistrationRequest } from './registration/registration.ts';
import { openRegistry } from './registry.ts';
import type { Registry, RegistryOptions } from './registry.ts';
import type { RegistryStore } from './store.ts';

const ORDERS = holder('spiffe://cluster.local/ns/default/sa/orders');
const USERS = holder('spiffe://cluster.local/ns/default/sa/users');
const ELSEWHERE = holder('spiffe://cluster.local/ns/prod/sa/orders');
const REQUEST: RegistrationRequest = {
  service: 'orders-api',
  namespace: 'default',
  instanceId: 'orders-1',
  host: '10.0.1.1',
  port: 8080,
  protocol: 'http',
  labels: { version: '2.1.0' },
  sourceIp: '10.0.1.50',
};
const NAME = { name: 'orders-api', namespace: 'default' };
const LEASE_MS = 1000;

describe('register', () => {
  it('makes the instance findable, durable and audited', async () => {
    const { registry, store, audit, clock } = await setUp();
    const registered = await registry.register(ORDERS, REQUEST);
    const { sourceIp: _, ...values } = REQUEST;
    const instance = {
      ...values,
      identity: nameOfIdentity(ORDERS),
      owner: nameOfIdentity(ORDERS),
      tags: [],
      metadata: {},
      weights: { passing: 1, warning: 1 },
      checks: [],
      registeredAt: clock.now(),
    };
    const shown = { ...instance, state: { draining: false, checks: [], health: 'passing' } };
    assert.deepEqual(registered, { ok: true, value: shown });
    assert.deepEqual(registry.lookup(NAME), { ...NAME, revision: registry.revision, instances: [shown] });
    assert.deepEqual(await store.instances(), [{ instance, standing: { draining: false }, checks: [] }]);
    const [record] = await audit();
    assert.deepEqual(
      [
        record?.event_type,
        record?.service_name,
        record?.instance_id,
        record?.identity,
        record?.source_ip,
        record?.result,
        record?.details,
      ],
      [
        'REGISTRATION',
        'orders-api',
        'orders-1',
        nameOfIdentity(ORDERS),
        '10.0.1.50',
        'SUCCESS',
        {
          outcome: 'REGISTRATION_SUCCESS',
          namespace: 'default',
          host: '10.0.1.1',
          port: 8080,
          protocol: 'http',
          metadata: { version: '2.1.0' },
        },
      ],
    );
  });

  it('is idempotent for the same identity and the same values', async () => {
    const { registry, audit, clock } = await setUp();
    const first = await registry.register(ORDERS, REQUEST);
    const { revision } = registry;
    clock.advance(LEASE_MS - 1);
    assert.deepEqual(await registry.register(ORDERS, { ...REQUEST, labels: { ...REQUEST.labels } }), first);
    assert.equal(registry.revision, revision);
    assert.equal((await audit()).length, 1);
    clock.advance(LEASE_MS - 1);
    assert.equal(registry.lookup(NAME)?.instances.length, 1, 'the lease counts from the start');
  });

  it('twice at the same time is one registration', async () => {
    const { registry, audit } = await setUp();
    const [first, second] = await Promise.all([registry.register(ORDERS, REQUEST), registry.register(ORDERS, REQUEST)]);
    assert.deepEqual(first, second);
    assert.equal((await audit()).length, 1);
  });

  it('with other values by the same identity replaces', async () => {
    const { registry, store } = await setUp();
    await registry.register(ORDERS, REQUEST);
    await registry.register(ORDERS, { ...REQUEST, service: 'orders-admin', port: 9090 });
    assert.equal(registry.lookup(NAME), undefined);
    assert.equal(registry.lookup({ ...NAME, name: 'orders-admin' })?.instances[0]?.port, 9090);
    assert.equal((await store.instances()).length, 1);
  });

  const refusals = [
    {
      rule: 'an instance id that another identity holds',
      who: USERS,
      change: {},
      code: 'PERMISSION_DENIED',
      event: 'REGISTRATION_DENIED',
    },
    {
      rule: "a namespace that is not the identity's",
      who: ELSEWHERE,
      change: { instanceId: 'x' },
      code: 'PERMISSION_DENIED',
      event: 'IDENTITY_MISMATCH',
    },
    {
      rule: 'an identity without a namespace',
      who: holder('spiffe://cluster.local/orders'),
      change: { instanceId: 'x' },
      code: 'PERMISSION_DENIED',
      event: 'IDENTITY_MISMATCH',
    },
    { rule: 'a bad field', who: ORDERS, change: { port: 0 }, code: 'INVALID_ARGUMENT', event: 'REGISTRATION_DENIED' },
    {
      rule: 'text that has no UTF-8 form',
      who: ORDERS,
      change: { host: '\ud800', labels: { '\udfff': 'x'.repeat(9999) } },
      code: 'INVALID_ARGUMENT',
      event: 'REGISTRATION_DENIED',
    },
  ];
  for (const { rule, who, change, code, event } of refusals) {
    it(`refuses, with a record, ${rule}`, async () => {
      const { registry, audit } = await setUp();
      await registry.register(ORDERS, REQUEST);
      const before = registry.services();
      const refused = await registry.register(who, { ...REQUEST, ...change });
      assert.equal(!refused.ok && refused.problem.code, code);
      assert.deepEqual(registry.services(), before);
      const [newest] = await audit();
      assert.deepEqual(
        [newest?.event_type, newest?.result, newest?.identity, newest?.source_ip],
        [event, 'DENIED', nameOfIdentity(who), '10.0.1.50'],
      );
    });
  }

  it('of two identities at the same time gives the instance id to one', async () => {
    const { registry, store } = await setUp();
    const outcomes = await Promise.all([registry.register(ORDERS, REQUEST), registry.register(USERS, REQUEST)]);
    assert.deepEqual(
      outcomes.map(({ ok }) => ok),
      [true, false],
    );
    assert.deepEqual(
      (await store.instances()).map(({ instance }) => instance.identity),
      [nameOfIdentity(ORDERS)],
    );
  });

  it('shows nothing before it is durable', async () => {
    const written = Promise.withResolvers<void>();
    const { registry } = await setUp({
      wrap: (inner) => ({ ...inner, save: (instance) => written.promise.then(() => inner.save(instance)) }),
    });
    const registered = registry.register(ORDERS, REQUEST);
    assert.equal(registry.lookup(NAME), undefined);
    written.resolve();
    await registered;
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
  });

  it('with another certificate is the same registration, kept with that one', async () => {
    const { registry, audit, store } = await setUp();
    await registry.register(holder('spiffe://cluster.local/ns/default/sa/orders', 'aa'), REQUEST);
    const { revision } = registry;
    await registry.register(holder('spiffe://cluster.local/ns/default/sa/orders', 'bb'), REQUEST);
    await registry.register(ORDERS, REQUEST);
    assert.deepEqual([registry.revision, (await audit()).length], [revision, 1]);
    assert.equal(registry.discovery.instance(REQUEST.instanceId)?.serial, 'bb');
    assert.equal((await store.instances())[0]?.instance.serial, 'bb');
  });

  for (const serial of ['fresh', 'repeated']) {
    it(`is taken away when its certificate was revoked while it was on its way (${serial})`, async () => {
      const { registry, audit } = await setUp({ isRevoked: (instance) => instance.serial === serial });
      await registry.register(holder('spiffe://cluster.local/ns/default/sa/orders', 'fresh'), REQUEST);
      await registry.register(holder('spiffe://cluster.local/ns/default/sa/orders', 'repeated'), REQUEST);
      const taken = async (): Promise<AuditRecord | undefined> =>
        (await audit()).find(({ event_type }) => event_type === 'DEREGISTRATION');
      await until(async () => (await taken()) !== undefined);
      assert.deepEqual((await taken())?.details, { namespace: 'default', reason: 'its identity was revoked' });
    });
  }

  it('throws, and shows nothing, when the store fails', async () => {
    const { registry, store, faults, clock } = await setUp();
    faults.save = 1;
    await assert.rejects(registry.register(ORDERS, REQUEST), { code: 'STORAGE_FAILED' });
    assert.equal(registry.lookup(NAME), undefined);
    clock.advance(2 * LEASE_MS);
    await registry.close();
    assert.deepEqual(await store.instances(), []);
  });

  it('leaves nothing behind when only its record could not be kept', async () => {
    const { registry, store, faults, clock } = await setUp();
    faults.journal = 1;
    await assert.rejects(registry.register(ORDERS, REQUEST), { code: 'STORAGE_FAILED' });
    assert.equal(registry.lookup(NAME), undefined);
    clock.advance(2 * LEASE_MS);
    await registry.close();
    assert.deepEqual(await store.instances(), []);
  });
});

describe('deregister', () => {
  it('takes the instance away, durably and audited', async () => {
    const { registry, store, audit } = await setUp();
    await registry.register(ORDERS, REQUEST);
    assert.deepEqual(await registry.deregister(ORDERS, 'orders-1', { reason: 'shutting down' }), {
      ok: true,
      value: undefined,
    });
    assert.deepEqual(registry.services(), []);
    assert.deepEqual(await store.instances(), []);
    const [record] = await audit();
    assert.deepEqual(
      [record?.event_type, record?.result, record?.details],
      ['DEREGISTRATION', 'SUCCESS', { namespace: 'default', reason: 'shutting down' }],
    );
  });

  it('of an unknown instance says so', async () => {
    const { registry } = await setUp();
    const outcome = await registry.deregister(ORDERS, 'never', { reason: 'x' });
    assert.equal(!outcome.ok && outcome.problem.code, 'NOT_FOUND');
  });

  it('by another identity is refused with a record', async () => {
    const { registry, audit } = await setUp();
    await registry.register(ORDERS, REQUEST);
    const outcome = await registry.deregister(USERS, 'orders-1', { reason: 'x', sourceIp: '192.0.2.7' });
    assert.equal(!outcome.ok && outcome.problem.code, 'PERMISSION_DENIED');
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
    const [record] = await audit();
    assert.deepEqual([record?.event_type, record?.source_ip], ['DEREGISTRATION_DENIED', '192.0.2.7']);
  });

  it('frees the instance id for another identity', async () => {
    const { registry } = await setUp();
    await registry.register(ORDERS, REQUEST);
    await registry.deregister(ORDERS, 'orders-1', { reason: 'x' });
    assert.equal((await registry.register(USERS, REQUEST)).ok, true);
  });
});

describe('a lease', () => {
  it('that nobody holds ends after its time, with a record', async () => {
    const { registry, store, audit, clock } = await setUp();
    await registry.register(ORDERS, REQUEST);
    clock.advance(LEASE_MS - 1);
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
    clock.advance(1);
    await until(async () => registry.lookup(NAME) === undefined);
    await registry.close();
    assert.deepEqual(await store.instances(), []);
    const [record] = await audit();
    assert.deepEqual(
      [record?.event_type, record?.instance_id, record?.details],
      ['DEREGISTRATION', 'orders-1', { namespace: 'default', reason: 'lease expired' }],
    );
  });

  it('that ended is found, and cannot be renewed, until its end is durable', async () => {
    const written = Promise.withResolvers<void>();
    const { registry, clock } = await setUp({
      wrap: (inner) => ({ ...inner, remove: (instanceId) => written.promise.then(() => inner.remove(instanceId)) }),
    });
    await registry.register(ORDERS, REQUEST);
    clock.advance(LEASE_MS);
    assert.equal(registry.lookup(NAME)?.instances.length, 1, 'a crash now would bring it back');
    assert.equal(registry.attach('orders-1'), false);
    const renewed = registry.renew(ORDERS, ['orders-1']);
    const answered = await Promise.race([renewed, new Promise((resolve) => setImmediate(resolve, 'not yet'))]);
    assert.equal(answered, 'not yet');
    written.resolve();
    assert.deepEqual(await renewed, ['orders-1']);
    assert.equal(registry.lookup(NAME), undefined);
  });

  it('that a control stream holds does not end', async () => {
    const { registry, clock } = await setUp();
    await registry.register(ORDERS, REQUEST);
    assert.equal(registry.attach('orders-1'), true);
    clock.advance(100 * LEASE_MS);
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
    registry.detach('orders-1');
    clock.advance(LEASE_MS);
    await until(async () => registry.lookup(NAME) === undefined);
  });

  it('is held on by a new control stream when the old one ends late', async () => {
    const { registry, clock } = await setUp();
    await registry.register(ORDERS, REQUEST);
    registry.attach('orders-1');
    registry.attach('orders-1');
    registry.detach('orders-1');
    clock.advance(100 * LEASE_MS);
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
  });

  it('after a restart has one period to be held again', async () => {
    const { registry, store, clock, reopen } = await setUp();
    await registry.register(ORDERS, REQUEST);
    await registry.register(ORDERS, { ...REQUEST, instanceId: 'orders-2' });
    registry.attach('orders-1');
    registry.attach('orders-2');
    await registry.close();
    clock.advance(100 * LEASE_MS);
    const restarted = await reopen();
    assert.equal(restarted.lookup(NAME)?.instances.length, 2);
    restarted.attach('orders-2');
    clock.advance(LEASE_MS);
    await until(async () => restarted.lookup(NAME)?.instances.length === 1);
    assert.deepEqual(
      restarted.lookup(NAME)?.instances.map(({ instanceId }) => instanceId),
      ['orders-2'],
    );
    await restarted.close();
    assert.equal((await store.instances()).length, 1);
  });

  it('of an unknown instance cannot be held', async () => {
    const { registry } = await setUp();
    assert.equal(registry.attach('never'), false);
    registry.detach('never');
  });

  it('that ends while a registration is on its way goes on', async () => {
    const written = Promise.withResolvers<void>();
    let gated = false;
    const { registry, clock, store } = await setUp({
      wrap: (inner) => ({
        ...inner,
        save: (instance) => (gated ? written.promise : Promise.resolve()).then(() => inner.save(instance)),
      }),
    });
    await registry.register(ORDERS, REQUEST);
    gated = true;
    const again = registry.register(ORDERS, { ...REQUEST, port: 9090 });
    clock.advance(LEASE_MS);
    written.resolve();
    await again;
    assert.equal(registry.lookup(NAME)?.instances[0]?.port, 9090);
    clock.advance(LEASE_MS - 1);
    assert.equal(registry.lookup(NAME)?.instances.length, 1);
    assert.equal((await store.instances()).length, 1);
  });

  it('that ended is forgotten, and recorded once, even when the store fails at first', async () => {
    const { registry, store, faults, failures, clock, audit } = await setUp();
    await registry.register(ORDERS, REQUEST);
    faults.remove = 2;
    faults.journal = 2;
    clock.advance(LEASE_MS);
    await until(async () => {
      clock.advance(2 * LEASE_MS);
      return (await store.instances()).length === 0 && (await audit())[0]?.event_type === 'DEREGISTRATION';
    });
    assert.equal(failures.length, 4);
    assert.equal((await audit()).filter(({ event_type }) => event_type === 'DEREGISTRATION').length, 1);
    await registry.close();
  });
});

describe('watch', () => {
  it('tells every change of a service with a growing revision', async () => {
    const { registry, clock } = await setUp();
    const seen: [number, string, number][] = [];
    const start = registry.revision;
    const stop = registry.watch(({ revision, name, namespace }) =>
      seen.push([revision - start, name, registry.lookup({ name, namespace })?.instances.length ?? 0]),
    );
    await registry.register(ORDERS, REQUEST);
    await registry.register(ORDERS, { ...REQUEST, instanceId: 'orders-2' });
    await registry.register(ORDERS, { ...REQUEST, instanceId: 'orders-2', service: 'other' });
    await registry.deregister(ORDERS, 'orders-1', { reason: 'x' });
    clock.advance(LEASE_MS);
    await until(async () => registry.lookup({ ...NAME, name: 'other' }) === undefined);
    assert.deepEqual(seen, [
      [1, 'orders-api', 1],
      [2, 'orders-api', 2],
      [3, 'orders-api', 1],
      [3, 'other', 1],
      [4, 'orders-api', 0],
      [5, 'other', 0],
    ]);
    stop();
    await registry.register(ORDERS, REQUEST);
    assert.equal(seen.length, 6);
  });

  it('a listener that throws is reported and harms nobody', async () => {
    const { registry, failures } = await setUp();
    let told = 0;
    registry.watch(() => {
      throw new Error('listener');
    });
    registry.watch(() => (told += 1));
    assert.equal((await registry.register(ORDERS, REQUEST)).ok, true);
    assert.deepEqual([told, failures.length], [1, 1]);
  });

  it('revisions grow across restarts', async () => {
    const { registry, reopen } = await setUp();
    await registry.register(ORDERS, REQUEST);
    const { revision } = registry;
    await registry.close();
    const restarted = await reopen();
    assert.ok(restarted.revision > revision);
    assert.ok(Number.isSafeInteger(restarted.revision));
  });
});

function holder(id: string, serial?: string): RegistryIdentity {
  return { kind: 'spiffe', id: SpiffeId.of(id), ...(serial === undefined ? {} : { serial }) };
}

interface SetUp {
  readonly registry: Registry;
  readonly store: RegistryStore;
  readonly clock: FakeClock;
  /** How many calls of each kind fail from now on. */
  readonly faults: { save: number; remove: number; journal: number };
  readonly failures: unknown[];
  /** Newest first. */
  readonly audit: () => Promise<AuditRecord[]>;
  readonly reopen: () => Promise<Registry>;
}

async function setUp(
  options: { wrap?: (inner: RegistryStore) => RegistryStore } & Partial<Pick<RegistryOptions, 'isRevoked'>> = {},
): Promise<SetUp> {
  const { isRevoked } = options;
  const clock = new FakeClock();
  const faults = { save: 0, remove: 0, journal: 0 };
  const guard = async (kind: keyof typeof faults): Promise<void> => {
    if (faults[kind] === 0) return;
    faults[kind] -= 1;
    throw new RampartError('STORAGE_FAILED', `no ${kind}`);
  };
  const memory = createMemoryRegistryStore();
  const store = (options.wrap ?? ((inner) => inner))(memory);
  const faulty: RegistryStore = {
    ...store,
    save: (instance) => guard('save').then(() => store.save(instance)),
    remove: (instanceId) => guard('remove').then(() => store.remove(instanceId)),
  };
  const journalStore = createMemoryJournalStore();
  const faultyJournal: JournalStore = {
    ...journalStore,
    append: (batch) => guard('journal').then(() => journalStore.append(batch)),
  };
  const journal = await Journal.open(faultyJournal, clock);
  const failures: unknown[] = [];
  const reopen = (): Promise<Registry> =>
    openRegistry({
      store: faulty,
      journal,
      clock,
      leaseMs: LEASE_MS,
      random: () => 0.5,
      onFailure: (error) => failures.push(error),
      ...(isRevoked === undefined ? {} : { isRevoked }),
    });
  const audit = async (): Promise<AuditRecord[]> =>
    (await journal.read({ stream: 'audit', limit: 100, order: 'newest-first' })).map(auditRecord);
  return { registry: await reopen(), store, clock, faults, failures, audit, reopen };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail('the condition never held');
}
