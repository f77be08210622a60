import type { Clock } from '@rampart/core';

/**
 * For how long something goes on: no change of the wall clock ends it, or keeps it for longer. Its times are milliseconds from
 * some moment on, and compare with each other alone.
 */
export function steadyClock({ after }: Pick<Clock, 'after'>): Clock {
  return { now: () => performance.now(), after };
}
