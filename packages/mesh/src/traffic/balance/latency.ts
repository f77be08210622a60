/** How quickly an old latency is forgotten. */
const DECAY_MS = 10_000;
/** How much one answer counts: a single stall does not make an instance a slow one, a few in a row do. */
const WEIGHT = 0.3;

/**
 * The latency to expect of an instance: an exponentially weighted moving average of its answers, which is forgotten where nothing
 * is heard, so that a slow instance is tried again (as in Finagle and linkerd, but without their jump to each peak: where a
 * machine stalls now and then, every instance would look slow for a while after it).
 */
export class ExpectedLatency {
  #value = 0;
  #stamp = 0;

  /** Times are milliseconds of one clock that only goes forward. */
  observe(milliseconds: number, now: number): void {
    const before = this.at(now);
    this.#value = before === 0 ? milliseconds : before + (milliseconds - before) * WEIGHT;
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
