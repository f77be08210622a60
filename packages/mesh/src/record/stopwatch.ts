/** Time as records need it: durations that no change of the wall clock can bend. */
export interface Stopwatch {
  /** Monotonic milliseconds with fractions. */
  elapsed(): number;
  /** Unix milliseconds of a reading of `elapsed()`. */
  unixTime(reading: number): number;
}

export interface StopwatchParts {
  /** Monotonic milliseconds with fractions. */
  elapsed(): number;
  /** Unix milliseconds, whole ones. */
  now(): number;
  /** Unix milliseconds of the reading 0, with fractions. */
  readonly origin: number;
}

/** The wall clock is compared with what is made of readings this often. */
const LOOK_MS = 1_000;
/** Less is what `now` leaves out, and how long reading both takes; clocks that are put right slowly take readings along. */
const STEP_MS = 50;

/**
 * Whoever starts a process before its machine has heard the time, or lets the machine sleep, has records of the right time soon
 * after: readings go by the wall clock of the moment.
 */
export function createStopwatch({ elapsed, now, origin }: StopwatchParts): Stopwatch {
  let current = origin;
  let lookAt = 0;
  return {
    elapsed,
    unixTime: (reading) => {
      if (reading >= lookAt) {
        const at = elapsed();
        const seen = now() - at;
        if (Math.abs(seen - current) >= STEP_MS) current = seen;
        lookAt = at + LOOK_MS;
      }
      return current + reading;
    },
  };
}
