import type { ChangeFeed } from '../../changes/change-feed.ts';

export interface SharedRulesOptions {
  readonly feed: Pick<ChangeFeed, 'revision' | 'oldest'>;
  /** Whether a resource is there now. */
  isThere(key: string): boolean;
}

const SWEPT_FROM = 1000;
const THERE = Number.POSITIVE_INFINITY;

/**
 * Rules that somebody outside their namespace was told of, and so must hear the end of. One that is gone is forgotten once nobody is
 * told changes one by one from before its end.
 */
export class SharedRules {
  readonly #options: SharedRulesOptions;
  /** By key, a revision by which it was gone. */
  readonly #gone = new Map<string, number>();
  #sweepAt = SWEPT_FROM;

  constructor(options: SharedRulesOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#gone.get(key) === THERE) return;
    this.#gone.set(key, THERE);
    if (this.#gone.size >= this.#sweepAt) this.#sweep();
  }

  has(key: string): boolean {
    return this.#gone.has(key);
  }

  get size(): number {
    return this.#gone.size;
  }

  #sweep(): void {
    const { feed, isThere } = this.#options;
    for (const [key, gone] of this.#gone) {
      if (isThere(key)) this.#gone.set(key, THERE);
      else if (gone === THERE) this.#gone.set(key, feed.revision);
      else if (gone < feed.oldest) this.#gone.delete(key);
    }
    this.#sweepAt = Math.max(SWEPT_FROM, 2 * this.#gone.size);
  }
}
