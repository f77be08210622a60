import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createStopwatch } from './stopwatch.ts';

const ORIGIN = Date.UTC(2026, 0, 20);

/** A machine that has been up for some milliseconds, and whose wall clock is off by others. */
function machine(): { stopwatch: ReturnType<typeof createStopwatch>; state: { up: number; off: number } } {
  const state = { up: 0.25, off: 0 };
  const stopwatch = createStopwatch({
    elapsed: () => state.up,
    now: () => Math.floor(ORIGIN + state.up + state.off),
    origin: ORIGIN,
  });
  return { stopwatch, state };
}

describe('the time of a reading', () => {
  it('has fractions of milliseconds, and does not sway with a clock that has none', () => {
    const { stopwatch, state } = machine();
    for (; state.up < 10_000; state.up += 333.3) {
      assert.equal(stopwatch.unixTime(stopwatch.elapsed()), ORIGIN + state.up);
    }
  });

  for (const [what, off] of [
    ['is put forward', 600_000],
    ['is put back', -600_000],
  ] as const) {
    it(`is right within a second after the clock ${what}`, () => {
      const { stopwatch, state } = machine();
      stopwatch.unixTime(state.up);
      state.off = off;
      state.up += 1_001;
      const time = stopwatch.unixTime(stopwatch.elapsed());
      assert.ok(Math.abs(time - (ORIGIN + state.up + off)) <= 1, `${time}`);
    });
  }

  it('is right within a second after the machine slept, through which nothing elapses', () => {
    const { stopwatch, state } = machine();
    stopwatch.unixTime(state.up);
    state.off += 8 * 3_600_000;
    state.up += 1_001;
    assert.ok(stopwatch.unixTime(state.up) > ORIGIN + 8 * 3_600_000);
  });
});
