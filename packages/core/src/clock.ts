/** A cancellable timer. */
export interface Timer {
  cancel(): void;
}

/** Time comes in from outside, so that tests own it. All times are Unix milliseconds. */
export interface Clock {
  now(): number;
  /** Calls back once after `milliseconds`; never keeps the process alive. */
  after(milliseconds: number, callback: () => void): Timer;
}

/**
 * For how long something goes on: no change of the wall clock ends it, or keeps it for longer. Its times are milliseconds from
 * some moment on, and compare with each other alone; `elapsed` gives them.
 */
export function steadyClock(clock: Pick<Clock, 'after'>, elapsed: () => number): Clock {
  return { now: elapsed, after: (milliseconds, callback) => clock.after(milliseconds, callback) };
}

/** Uniform randomness in [0, 1), for jitter and picking; never for secrets. */
export type Random = () => number;
