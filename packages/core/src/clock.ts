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

/** Uniform randomness in [0, 1), for jitter and picking; never for secrets. */
export type Random = () => number;
