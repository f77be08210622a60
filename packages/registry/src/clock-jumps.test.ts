import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type Clock, ok, SpiffeId } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import type { RegistryIdentity } from './admission/identity.ts';
import { ownServiceAdmission } from './admission/own-service.ts';
import { FakeClock } from './leases/fake-clock.ts';
import { createMemoryRegistryStore } from './memory-store.ts';
import { openRegistry, type Registry } from './registry.ts';

const WHO: RegistryIdentity = { kind: 'spiffe', id: SpiffeId.of('spiffe://cluster.local/ns/default/sa/a') };
const HOUR = 3_600_000;
const LEASE_MS = 30_000;

describe('somebody sets the clock of the registry', () => {
  let registry: Registry | undefined;
  afterEach(() => registry?.close());

  for (const [where, jump] of [
    ['ahead', HOUR],
    ['back', -HOUR],
  ] as const) {
    it(`${where}: leases end and checks are run in their own time`, async () => {
      const steady = new FakeClock();
      let skew = 0;
      const clock: Clock = {
        now: () => steady.now() + skew,
        after: (milliseconds, callback) => steady.after(milliseconds, callback),
      };
      const opened = await openRegistry({
        store: createMemoryRegistryStore(),
        journal: await Journal.open(createMemoryJournalStore(), clock),
        clock,
        steady,
        random: () => 0.5,
        admission: { admit: () => ok(undefined), manage: ownServiceAdmission.manage },
      });
      registry = opened;
      let runs = 0;
      opened.startChecks(async () => {
        runs += 1;
        return { status: 'passing', output: '' };
      });
      const register = (instanceId: string, leaseMs: number): ReturnType<Registry['register']> =>
        opened.register(WHO, {
          ...{ service: 'a', namespace: 'default', host: '10.0.0.1', sourceIp: '10.0.0.1', port: 80, protocol: 'http' },
          ...{ instanceId, leaseMs, labels: {} },
          checks: [
            { kind: { type: 'tcp' }, intervalMs: 10_000 },
            { kind: { type: 'ttl', ttlMs: 60_000 }, initialStatus: 'passing' },
          ],
        });
      assert.ok((await register('leased', LEASE_MS)).ok);
      assert.ok((await register('lasting', 0)).ok);
      const advance = async (milliseconds: number): Promise<void> => {
        for (let step = 0; step < 20; step += 1) {
          steady.advance(milliseconds / 20);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const healths = (): (string | undefined)[] =>
        ['leased', 'lasting'].map((id) => opened.discovery.instance(id)?.state.health);
      await advance(5_000);
      assert.deepEqual(healths(), ['passing', 'passing']);
      skew = jump;
      const before = runs;
      await advance(21_000);
      assert.deepEqual(healths(), ['passing', 'passing'], 'nobody has lost anything yet');
      assert.equal(runs, before + 4, 'each was run twice');
      await advance(10_000);
      assert.deepEqual(healths(), [undefined, 'passing']);
      await advance(30_000);
      assert.deepEqual(healths(), [undefined, 'critical'], 'what nobody reports is critical');
    });
  }
});
