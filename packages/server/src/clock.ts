import { steadyClock } from '@rampart/core';
import type { Clock, Timer } from '@rampart/core';

/** Longest delay a timer of Node takes; beyond it, it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The time of this machine. The one place of the control plane that reads it. */
export function createSystemClock(): Clock {
  return { now: () => Date.now(), after };
}

/** For how long something goes on, on this machine. */
export function createSteadyClock(): Clock {
  return steadyClock({ after }, () => performance.now());
}

function after(milliseconds: number, callback: () => void): Timer {
  let handle: NodeJS.Timeout;
  const wait = (remaining: number): void => {
    const step = Math.min(Math.max(remaining, 0), LONGEST_TIMER_MS);
    handle = setTimeout(() => (remaining > step ? wait(remaining - step) : callback()), step);
    handle.unref();
  };
  wait(milliseconds);
  return { cancel: () => clearTimeout(handle) };
}
