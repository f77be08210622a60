/** Time as records need it: durations that no change of the wall clock can bend. */
export interface Stopwatch {
  /** Monotonic milliseconds with fractions. */
  elapsed(): number;
  /** Unix milliseconds of a reading of `elapsed()`. */
  unixTime(reading: number): number;
}
