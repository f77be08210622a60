import { BoundedCache } from './bounded-cache.ts';
import type { Clock } from './clock.ts';

/** How often something may be done: `perSecond` for ever, `burst` at once after a rest. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Remembered at least, and twice as many at most. */
const MOST_KEYS = 10_000;

/** A token bucket for each caller. Of those that are forgotten to stay bounded, the ones that were used longest ago go first. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #buckets = new BoundedCache<string, Bucket>(MOST_KEYS);

  constructor(rate: Rate, clock: Pick<Clock, 'now'>) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** What a caller has now: whole tokens, and the milliseconds until there are as many as there can be. */
  left(key: string): { readonly tokens: number; readonly fullInMs: number } {
    const { perSecond, burst } = this.#rate;
    const tokens = this.#tokens(this.#buckets.get(key), this.#clock.now());
    return { tokens: Math.floor(tokens), fullInMs: Math.ceil(((burst - tokens) / perSecond) * 1000) };
  }

  /** Takes one; 0, or else the milliseconds until there is one again. */
  take(key: string): number {
    const { perSecond } = this.#rate;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key);
    const tokens = this.#tokens(bucket, now);
    const left = tokens >= 1 ? tokens - 1 : tokens;
    if (bucket === undefined) this.#buckets.set(key, { tokens: left, at: now });
    else Object.assign(bucket, { tokens: left, at: now });
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
  }

  /** Takes as many whole ones as there are, `most` at most; with fewer, `waitMs` is the milliseconds until there is one more. */
  takeSome(key: string, most: number): { readonly tokens: number; readonly waitMs: number } {
    const { perSecond } = this.#rate;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key);
    const there = this.#tokens(bucket, now);
    const tokens = Math.min(Math.floor(there), most);
    const left = there - tokens;
    if (bucket === undefined) this.#buckets.set(key, { tokens: left, at: now });
    else Object.assign(bucket, { tokens: left, at: now });
    return { tokens, waitMs: tokens === most ? 0 : Math.ceil(((1 - left) / perSecond) * 1000) };
  }

  /** Puts back what was taken and not used. */
  giveBack(key: string, count = 1): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + count);
  }

  #tokens(known: Bucket | undefined, now: number): number {
    const { perSecond, burst } = this.#rate;
    if (known === undefined) return burst;
    return Math.min(burst, known.tokens + (Math.max(0, now - known.at) / 1000) * perSecond);
  }
}
