import type { Random } from '@rampart/core';

const FIRST_MS = 200;
const LONGEST_MS = 5_000;

/** Exponential delays, each drawn from the upper half, so that a fleet does not come back all at once. */
export class Backoff {
  readonly #random: Random;
  #delay = FIRST_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const delay = this.#delay * (0.5 + this.#random() / 2);
    this.#delay = Math.min(this.#delay * 2, LONGEST_MS);
    return delay;
  }

  reset(): void {
    this.#delay = FIRST_MS;
  }
}
