/** Upper bounds of the buckets, in milliseconds or bytes: those of Envoy, so that dashboards made for Istio fit. */
export const BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** How often values of each size were seen. */
export class Histogram {
  /** By bucket, not cumulative; the last one has what is above all bounds. */
  readonly counts: Float64Array = new Float64Array(BOUNDS.length + 1);
  sum = 0;

  observe(value: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && value > (BOUNDS[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}
