import type { Clock } from '@rampart/core';

import type { MeshLog } from '../log.ts';

export interface AvailabilityOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: MeshLog;
  /** What is said once when the control plane stops answering, and once when it answers again. */
  readonly lost: string;
  readonly back: string;
}

/** After a call that got no answer nobody waits for another one so long. */
const ASK_AGAIN_MS = 2000;

/** Whether the control plane answers one kind of question: asked again from time to time, and logged once, not per request. */
export class Availability {
  readonly #options: AvailabilityOptions;
  #isAway = false;
  #askAgainAt = 0;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether it may be asked now, be it to see whether it is back. */
  get mayAsk(): boolean {
    return !this.#isAway || this.#options.clock.now() >= this.#askAgainAt;
  }

  /** One of those who see whether it is back is enough. */
  asking(): void {
    this.#askAgainAt = this.#options.clock.now() + ASK_AGAIN_MS;
  }

  answered(): void {
    if (this.#isAway) this.#options.log.info(this.#options.back, {});
    this.#isAway = false;
  }

  unanswered(cause: unknown): void {
    if (!this.#isAway) this.#options.log.warn(this.#options.lost, { cause });
    this.#isAway = true;
    this.asking();
  }
}
