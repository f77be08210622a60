import { createHash } from 'node:crypto';

import type { Clock } from '@rampart/core';

/** Signatures that are young enough to count, at a time: 100 bytes each. */
const MOST = 100_000;

/** Remembers what was seen until it would not count any more, in bounded memory. What cannot be remembered is not taken. */
export class ReplayCache {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #most: number;
  /** Until when, by digest, in the order in which they came. */
  readonly #seen = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>, most: number = MOST) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Remembers a nonce of a signer until a time, in Unix milliseconds. */
  take(signer: string, nonce: string, until: number): 'new' | 'seen' | 'full' {
    const now = this.#clock.now();
    const name = createHash('sha256').update(`${signer}\n${nonce}`).digest('base64url');
    this.#forget(now);
    if ((this.#seen.get(name) ?? Number.NEGATIVE_INFINITY) >= now) return 'seen';
    if (this.#seen.size >= this.#most) return 'full';
    this.#seen.set(name, until);
    return 'new';
  }

  /** Stops at the first that still counts: one that came before it and counts longer keeps the others a little longer. */
  #forget(now: number): void {
    for (const [name, until] of this.#seen) {
      if (until >= now) return;
      this.#seen.delete(name);
    }
  }
}
