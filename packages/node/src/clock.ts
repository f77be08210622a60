import type { Clock } from '@rampart/core';
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

/** Read once: the getter costs more than the addition it is for. */
const { timeOrigin } = performance;

export const stopwatch: Stopwatch = {
  elapsed: () => performance.now(),
  unixTime: (reading) => timeOrigin + reading,
};
