import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Timer } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';
import fc from 'fast-check';

import { Deadlines } from './deadlines.ts';

describe('deadlines of requests', () => {
  it('come when timers of their own would, unless they are cancelled, in few timers of the clock', async () => {
    const step = fc.record({
      wait: fc.nat(30),
      length: fc.constantFrom(1, 10, 25),
      cancels: fc.option(fc.nat(20), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock(0);
        let armed = 0;
        const counting = {
          after: (milliseconds: number, callback: () => void) => {
            armed += 1;
            return clock.after(milliseconds, () => {
              armed -= 1;
              callback();
            });
          },
        };
        const deadlines = new Deadlines({ clock: counting, now: () => clock.now() });
        const told: string[] = [];
        const expected: string[] = [];
        const tell = (list: string[], name: number) => (): void => void list.push(`${name} at ${clock.now()}`);
        const set: Timer[][] = [];
        for (const [name, { wait, length, cancels }] of steps.entries()) {
          await clock.advance(wait);
          set.push([deadlines.after(length, tell(told, name)), clock.after(length, tell(expected, name))]);
          if (cancels !== undefined) for (const each of set[cancels] ?? []) each.cancel();
          assert.ok(armed <= 3);
        }
        await clock.advance(100);
        assert.equal(armed, 0);
        assert.deepEqual(told.toSorted(), expected.toSorted());
      }),
    );
  });

  it('those behind one whose callback throws still come', async () => {
    const clock = new FakeClock(0);
    const deadlines = new Deadlines({ clock, now: () => clock.now() });
    const told: string[] = [];
    deadlines.after(5, () => {
      throw new Error('a fault');
    });
    deadlines.after(5, () => told.push('second'));
    await assert.rejects(clock.advance(5), /a fault/);
    await clock.advance(5);
    assert.deepEqual(told, ['second']);
  });
});
