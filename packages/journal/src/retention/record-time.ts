const DAY_MS = 86_400_000;
/**
 * A control plane that runs leaves a checkpoint at least that often: it renews its own certificate. What lies between two
 * checkpoints counts for no more, so that neither a clock that jumps nor years in a drawer make records older than they are.
 */
const MOST_BETWEEN_MS = 7 * DAY_MS;

/** When a checkpoint was signed, and of how many entries. */
export interface Moment {
  readonly size: number;
  readonly at: number;
}

/**
 * How many of the first entries have been on record for so long: time is what passed from one checkpoint to the next, a week at
 * most between two, and as much back where the clock went back.
 */
export function settledFor(moments: readonly Moment[], ageMs: number, now: number): number {
  let age = 0;
  let next = now;
  for (const { size, at } of moments.toReversed()) {
    age += Math.max(-MOST_BETWEEN_MS, Math.min(next - at, MOST_BETWEEN_MS));
    if (age >= ageMs) return size;
    next = at;
  }
  return 0;
}
