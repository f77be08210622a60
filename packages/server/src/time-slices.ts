import type { Clock } from '@rampart/core';

const LONGEST_SLICE_MS = 8;

/** Keeps long work from holding up everybody else: asked often, it lets the others have their turn when a slice is over. */
export class TimeSlices {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #startedAt: number;

  constructor(clock: Clock, signal?: AbortSignal) {
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
    this.#signal?.throwIfAborted();
    this.#startedAt = this.#clock.now();
  }
}

const LOOKED_AT_ONCE = 32;

/** Does something with each of many things, and lets others have their turn in between. */
export async function inSlices<T>(things: Iterable<T>, slices: TimeSlices, work: (thing: T) => void): Promise<void> {
  let done = 0;
  for (const thing of things) {
    work(thing);
    done += 1;
    if (done % LOOKED_AT_ONCE === 0 && slices.isOver) {
      await slices.others();
    }
  }
}
