import { TokenBuckets } from '@rampart/core';
import type { Clock, RequestLimit } from '@rampart/core';

/** What one rule has let in: a bucket and a number of requests under way for each key. */
export class LimitCounter {
  readonly #buckets: TokenBuckets | undefined;
  readonly #underWay = new Map<string, number>();

  constructor({ rate }: RequestLimit, clock: Pick<Clock, 'now'>) {
    this.#buckets = rate === undefined ? undefined : new TokenBuckets(rate, clock);
  }

  /** Takes one of the rate; 0, or else the milliseconds until there is one again. */
  take(key: string): number {
    return this.#buckets?.take(key) ?? 0;
  }

  /** Puts back what was taken for a request that another rule refused. */
  giveBack(key: string): void {
    this.#buckets?.giveBack(key);
  }

  /** False when as many as `most` are under way; else `leave` is to be called when it is over. */
  enter(key: string, most: number): boolean {
    const count = this.#underWay.get(key) ?? 0;
    if (count >= most) return false;
    this.#underWay.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const count = this.#underWay.get(key) ?? 0;
    if (count > 1) this.#underWay.set(key, count - 1);
    else this.#underWay.delete(key);
  }
}
