import { TokenBuckets } from '@rampart/core';
import type { Clock, Rate } from '@rampart/core';

/** Where the requests that a rule lets through are counted. */
export interface Tokens {
  /** Takes one; 0, or else the milliseconds until there may be one again. */
  take(key: string): number;
  /** Puts back what was taken for a request that another rule refused. */
  giveBack(key: string): void;
  /** What is to be waited for before `take` can tell; undefined for nothing. Never rejects. */
  prepare(key: string): Promise<void> | undefined;
}

/** A rule that this data plane counts by itself. */
export class OwnTokens implements Tokens {
  readonly #buckets: TokenBuckets;

  constructor(rate: Rate, clock: Pick<Clock, 'now'>) {
    this.#buckets = new TokenBuckets(rate, clock);
  }

  take(key: string): number {
    return this.#buckets.take(key);
  }

  giveBack(key: string): void {
    this.#buckets.giveBack(key);
  }

  prepare(): undefined {
    return undefined;
  }
}
