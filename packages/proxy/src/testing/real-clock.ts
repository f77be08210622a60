import type { Clock } from '@rampart/core';

/** Real timers, for tests that wait for the outside world; it never shows another time. */
export const clock: Clock = {
  now: () => performance.timeOrigin,
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
