import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';

import { ReceiveWindow, WindowPool } from './receive-window.ts';

const KIB = 1024;
const ROUND_TRIP_MS = 40;

function windowOf(pool: WindowPool, clock: FakeClock): ReceiveWindow {
  return new ReceiveWindow({ clock, pool, initial: 64 * KIB, largest: 1024 * KIB, roundTrip: () => ROUND_TRIP_MS });
}

/** The reader takes half a window after so many milliseconds. Returns the credit that is announced. */
async function halfAfter(
  milliseconds: number,
  { window, clock }: { window: ReceiveWindow; clock: FakeClock },
): Promise<number> {
  await clock.advance(milliseconds);
  const half = window.size / 2;
  assert.ok(window.arrives(half));
  assert.equal(window.consumes(half - 1), 0, 'an update for less than half a window');
  return window.consumes(1);
}

describe('a window', () => {
  it('is announced again by halves, and doubles while halves last less than two round trips', async () => {
    const clock = new FakeClock();
    const pool = new WindowPool(4096 * KIB);
    const window = windowOf(pool, clock);
    assert.equal(await halfAfter(200, { window, clock }), 32 * KIB);
    assert.equal(await halfAfter(60, { window, clock }), (32 + 64) * KIB);
    for (let time = 0; time < 10; time += 1) await halfAfter(60, { window, clock });
    assert.equal(window.size, 1024 * KIB);
    assert.equal(pool.left, (4096 - 1024 + 64) * KIB);
  });

  it('of a slow reader goes back to what it was, and the pool has it again', async () => {
    const clock = new FakeClock();
    const pool = new WindowPool(4096 * KIB);
    const window = windowOf(pool, clock);
    for (let time = 0; time < 3; time += 1) await halfAfter(10, { window, clock });
    assert.equal(window.size, 512 * KIB);
    assert.equal(await halfAfter(1500, { window, clock }), 0);
    for (let time = 0; time < 5; time += 1) await halfAfter(1500, { window, clock });
    assert.deepEqual([window.size, pool.left], [64 * KIB, 4096 * KIB]);
  });

  it('leaves half of the pool to others', async () => {
    const clock = new FakeClock();
    const pool = new WindowPool(192 * KIB);
    const window = windowOf(pool, clock);
    for (let time = 0; time < 5; time += 1) await halfAfter(10, { window, clock });
    assert.deepEqual([window.size, pool.left], [128 * KIB, 128 * KIB]);
    window.release();
    assert.equal(pool.left, 192 * KIB);
  });

  it('takes no byte that there was no credit for', () => {
    const window = windowOf(new WindowPool(0), new FakeClock());
    assert.equal(window.arrives(64 * KIB), true);
    assert.equal(window.arrives(1), false);
  });
});
