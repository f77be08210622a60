import type { Tokens } from './tokens.ts';

/** What one rule has let in: a bucket and a number of requests under way for each key. */
export class LimitCounter {
  readonly #tokens: Tokens | undefined;
  readonly #underWay = new Map<string, number>();

  /** `tokens`: undefined for a rule of concurrency alone. */
  constructor(tokens: Tokens | undefined) {
    this.#tokens = tokens;
  }

  /** What is to be waited for before `take` can tell; undefined for nothing. */
  prepare(key: string): Promise<void> | undefined {
    return this.#tokens?.prepare(key);
  }

  /** Takes one of the rate; 0, or else the milliseconds until there is one again. */
  take(key: string): number {
    return this.#tokens?.take(key) ?? 0;
  }

  /** Puts back what was taken for a request that another rule refused. */
  giveBack(key: string): void {
    this.#tokens?.giveBack(key);
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
