import type { Clock } from '@rampart/core';

/** The real clock. Its timers never keep the host process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Monotonic milliseconds with fractions, for durations. */
export function elapsed(): number {
  return performance.now();
}

/** Read once: the getter costs more than the addition it is for. */
const { timeOrigin } = performance;

/** Unix milliseconds of a reading of `elapsed()`. */
export function unixTime(reading: number): number {
  return timeOrigin + reading;
}
