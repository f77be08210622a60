/** Buckets to a doubling: a value is told to 4.5 %. */
const STEPS = 8;
/** From a microsecond to about an hour. */
const BUCKETS = 256;

/** Durations in microseconds, in buckets that grow with them. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(micros: number): void {
    const bucket = Math.min(Math.floor(Math.log2(Math.max(micros, 1)) * STEPS), BUCKETS - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
  }

  merge(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#total += other.#total;
  }

  /** The duration that a share of all (0 to 1) does not exceed, in microseconds; 0 where there is none. */
  quantile(share: number): number {
    let left = Math.max(1, Math.ceil(this.#total * share));
    if (this.#total === 0) return 0;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.round(2 ** ((bucket + 0.5) / STEPS));
    }
    return 0;
  }
}
