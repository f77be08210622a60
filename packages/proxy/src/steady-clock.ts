import type { Clock } from '@rampart/core';
import type { Stopwatch } from '@rampart/mesh';

/**
 * For how long something goes on: no change of the wall clock ends what is under way, or keeps it for ever. Its times are
 * milliseconds from some moment on, and compare with each other alone.
 */
export function steadyClock({ clock, stopwatch }: { readonly clock: Clock; readonly stopwatch: Stopwatch }): Clock {
  return {
    now: () => stopwatch.elapsed(),
    after: (milliseconds, callback) => clock.after(milliseconds, callback),
  };
}
