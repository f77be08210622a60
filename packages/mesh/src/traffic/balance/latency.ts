/** How quickly an old peak is forgotten. */
const DECAY_MS = 10_000;

/**
 * The latency to expect of an instance: a moving average that jumps to a peak at once, comes down slowly, and is forgotten
 * where nothing is heard, so that a slow instance is tried again (Finagle's Peak EWMA).
 */
export class PeakLatency {
  #value = 0;
  #stamp = 0;

  /** Times are milliseconds of one clock that only goes forward. */
  observe(milliseconds: number, now: number): void {
    const before = this.at(now);
    if (milliseconds >= before) this.#value = milliseconds;
    else {
      const kept = Math.exp((this.#stamp - now) / DECAY_MS);
      this.#value = this.#value * kept + milliseconds * (1 - kept);
    }
    this.#stamp = now;
  }

  /** An answer that is no success: however quick it came, it does not make the instance look quicker. */
  observeFailure(milliseconds: number, now: number): void {
    this.observe(Math.max(milliseconds, this.#value), now);
  }

  /** Milliseconds; 0 where nothing is known. */
  at(now: number): number {
    return this.#value === 0 ? 0 : this.#value * Math.exp((this.#stamp - now) / DECAY_MS);
  }
}
