import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SpiffeId } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import { FakeClock } from './fake-clock.ts';
import { createMemoryRegistryStore } from '../memory-store.ts';
import { openRegistry } from '../registry.ts';
import type { Registry } from '../registry.ts';

/** What should be: for each live instance, who holds it, where it is, and when it ends when nobody attaches. */
interface Model {
  now: number;
  readonly live: Map<string, { owner: number; port: number; holders: number; endsAt: number }>;
}

interface Real {
  readonly clock: FakeClock;
  /** Replaced by a restart. */
  registry: Registry;
  reopen(): Promise<Registry>;
  /** Services as a watcher knows them who began with an empty mesh. */
  readonly watched: Map<string, number[]>;
  revision: number;
}

const LEASE_MS = 10;
const OWNERS = [0, 1].map((owner) => SpiffeId.of(`spiffe://cluster.local/ns/default/sa/owner-${owner}`));
const INSTANCE = fc.constantFrom('a', 'b', 'c');

type Command = fc.AsyncCommand<Model, Real>;

function command(text: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    toString: () => text,
    run: async (model, real) => {
      await run(model, real);
      await check(model, real);
    },
  };
}

const register = fc.tuple(INSTANCE, fc.constantFrom(0, 1), fc.constantFrom(1, 2)).map(([instanceId, owner, port]) =>
  command(`register ${instanceId} by ${owner} at ${port}`, async (model, real) => {
    const outcome = await real.registry.register(identity(owner), {
      service: 's',
      namespace: 'default',
      instanceId,
      host: 'localhost',
      port,
      protocol: 'http',
      labels: {},
    });
    const before = model.live.get(instanceId);
    assert.equal(outcome.ok, before === undefined || before.owner === owner);
    if (outcome.ok)
      model.live.set(instanceId, { owner, port, holders: before?.holders ?? 0, endsAt: model.now + LEASE_MS });
  }),
);

const deregister = fc.tuple(INSTANCE, fc.constantFrom(0, 1)).map(([instanceId, owner]) =>
  command(`deregister ${instanceId} by ${owner}`, async (model, real) => {
    const outcome = await real.registry.deregister(identity(owner), instanceId, { reason: 'test' });
    assert.equal(outcome.ok, model.live.get(instanceId)?.owner === owner);
    if (outcome.ok) model.live.delete(instanceId);
  }),
);

const attach = INSTANCE.map((instanceId) =>
  command(`attach ${instanceId}`, async (model, real) => {
    const lease = model.live.get(instanceId);
    assert.equal(real.registry.attach(instanceId), lease !== undefined);
    if (lease !== undefined) lease.holders += 1;
  }),
);

const detach = INSTANCE.map((instanceId) =>
  command(`detach ${instanceId}`, async (model, real) => {
    const lease = model.live.get(instanceId);
    real.registry.detach(instanceId);
    if (lease === undefined || lease.holders === 0) return;
    lease.holders -= 1;
    if (lease.holders === 0) lease.endsAt = model.now + LEASE_MS;
  }),
);

const pass = fc.integer({ min: 1, max: 15 }).map((milliseconds) =>
  command(`pass ${milliseconds}`, async (model, real) => {
    real.clock.advance(milliseconds);
    model.now += milliseconds;
    for (const [instanceId, { holders, endsAt }] of model.live) {
      if (holders === 0 && endsAt <= model.now) model.live.delete(instanceId);
    }
  }),
);

const restart = fc.constant(
  command('restart', async (model, real) => {
    await real.registry.close();
    real.registry = await real.reopen();
    assert.ok(real.registry.revision > real.revision);
    for (const lease of model.live.values()) Object.assign(lease, { holders: 0, endsAt: model.now + LEASE_MS });
  }),
);

describe('leases', () => {
  it('after any sequence of events exactly the live instances are found', async () => {
    const commands = fc.commands([register, register, deregister, attach, detach, pass, pass, restart], {
      maxCommands: 60,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const real = await setUp();
        await fc.asyncModelRun(() => ({ model: { now: 0, live: new Map() }, real }), sequence);
        await real.registry.close();
      }),
      { numRuns: 300 },
    );
  });
});

async function check(model: Model, { registry, watched }: Real): Promise<void> {
  // What ended is found until its end is written.
  await new Promise((resolve) => setImmediate(resolve));
  const found = registry.lookup({ name: 's', namespace: 'default' })?.instances ?? [];
  const expected = [...model.live].map(
    ([instanceId, { owner, port }]) => `${instanceId} ${nameOfIdentity(identity(owner))} ${port}`,
  );
  assert.deepEqual(
    found.map(({ instanceId, identity: owner, port }) => `${instanceId} ${owner} ${port}`).sort(),
    expected.sort(),
  );
  assert.deepEqual(
    watched.get('s') ?? [],
    found.map(({ port }) => port),
  );
}

async function setUp(): Promise<Real> {
  const clock = new FakeClock();
  const store = createMemoryRegistryStore();
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const watched = new Map<string, number[]>();
  const reopen = async (): Promise<Registry> => {
    const registry = await openRegistry({ store, journal, clock, leaseMs: LEASE_MS, random: () => 0 });
    watched.clear();
    for (const { name, instances } of registry.services())
      watched.set(
        name,
        instances.map(({ port }) => port),
      );
    registry.watch(({ revision, name, namespace }) => {
      assert.ok(revision > real.revision, 'revisions grow');
      real.revision = revision;
      watched.set(
        name,
        (registry.lookup({ name, namespace })?.instances ?? []).map(({ port }) => port),
      );
    });
    return registry;
  };
  const real: Real = { clock, reopen, watched, revision: 0, registry: await reopen() };
  return real;
}

function identity(owner: number): RegistryIdentity {
  const found = OWNERS[owner];
  assert.ok(found);
  return { kind: 'spiffe', id: found };
}
