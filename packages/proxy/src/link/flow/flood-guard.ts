import type { Clock } from '@rampart/core';

const SECOND_MS = 1000;

/** Counts what may happen so often a second. The clock is read once in `limit` events only. */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #limit: number;
  #count = 0;
  #since: number;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#since = clock.now();
  }

  /** False when this one is too many: the last `limit` came within a second. */
  admits(): boolean {
    this.#count += 1;
    if (this.#count <= this.#limit) return true;
    const now = this.#clock.now();
    if (now - this.#since < SECOND_MS) return false;
    this.#since = now;
    this.#count = 1;
    return true;
  }
}
