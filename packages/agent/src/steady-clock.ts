import { steadyClock } from '@rampart/core';
import type { Clock } from '@rampart/core';

/** For how long something goes on, on this machine. */
export function createSteadyClock(clock: Pick<Clock, 'after'>): Clock {
  return steadyClock(clock, () => performance.now());
}
