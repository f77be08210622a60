import type { Clock } from '@rampart/core';

const LONGEST_SLICE_MS = 8;

/** Keeps long work from holding up everybody else: asked often, it lets the others have their turn when a slice is over. */
export class TimeSlices {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #startedAt: number;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#startedAt = clock.now();
  }

  /** Whether it is time to wait for `others`. */
  get isOver(): boolean {
    return this.#clock.now() - this.#startedAt >= LONGEST_SLICE_MS;
  }

  /** Resolves after everybody who waits had a turn. @throws what the caller's signal was aborted with. */
  async others(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.#signal.throwIfAborted();
    this.#startedAt = this.#clock.now();
  }
}
