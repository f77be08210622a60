import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { until } from '../testing/test-plane.ts';
import { keepWithinRetention } from './retention.ts';
import type { Retention } from './store.ts';

it('retention looks every minute, goes on after a failure, and stops', async () => {
  const clock = new ManualClock();
  const asked: Retention[] = [];
  const failures: unknown[] = [];
  const prune = async (retention: Retention): Promise<number> => {
    asked.push(retention);
    if (asked.length === 1) {
      throw new Error('no');
    }
    return 0;
  };
  const store = { prune, add: async () => undefined, newest: async () => [], recordsSince: async () => 0 };
  const stop = keepWithinRetention({
    store,
    clock,
    keep: { days: 1, bytes: 5 },
    failed: (error) => failures.push(error),
  });
  clock.advance(60_000);
  await until('the failure', () => failures.length === 1);
  assert.deepEqual(asked, [{ receivedBefore: clock.now() - 24 * 60 * 60 * 1000, keepBytes: 5 }]);
  await until('the next look', () => {
    clock.advance(60_000);
    return asked.length >= 2;
  });
  await stop();
  const looked = asked.length;
  clock.advance(600_000);
  assert.equal(asked.length, looked);
});
