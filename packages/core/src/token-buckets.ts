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

const MOST_KEYS = 10_000;

/** A token bucket for each caller. Of those that are forgotten to stay bounded, the one that was used longest ago goes first. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, clock: Pick<Clock, 'now'>) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** What a caller has now: whole tokens, and the milliseconds until there are as many as there can be. */
  left(key: string): { readonly tokens: number; readonly fullInMs: number } {
    const { perSecond, burst } = this.#rate;
    const tokens = this.#tokens(key, this.#clock.now());
    return { tokens: Math.floor(tokens), fullInMs: Math.ceil(((burst - tokens) / perSecond) * 1000) };
  }

  /** Takes one; 0, or else the milliseconds until there is one again. */
  take(key: string): number {
    const { perSecond } = this.#rate;
    const now = this.#clock.now();
    const tokens = this.#tokens(key, now);
    const bucket = { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > MOST_KEYS && oldest.done !== true) {
      this.#buckets.delete(oldest.value);
    }
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
  }

  #tokens(key: string, now: number): number {
    const { perSecond, burst } = this.#rate;
    const known = this.#buckets.get(key);
    if (known === undefined) return burst;
    return Math.min(burst, known.tokens + (Math.max(0, now - known.at) / 1000) * perSecond);
  }
}
