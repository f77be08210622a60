import type { Clock } from '@rampart/core';
import { createStopwatch } from '@rampart/mesh';
import type { Stopwatch } from '@rampart/mesh';

/** The real clock. Its timers never keep the host process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

export const stopwatch: Stopwatch = createStopwatch({
  elapsed: () => performance.now(),
  now: () => Date.now(),
  origin: performance.timeOrigin,
});
