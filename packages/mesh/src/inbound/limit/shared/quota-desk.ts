import type { Clock } from '@rampart/core';

import type { MeshLog } from '../../../log.ts';
import type { HeldShare } from './held-share.ts';
import type { Lease } from './lease.ts';

export interface QuotaDeskOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: MeshLog;
  readonly lease: Lease;
}

/** What the control plane takes in one call. */
const MOST_WANTS = 1000;
/** After a call that got no answer this long is counted here alone. */
const ASK_AGAIN_MS = 2000;

/** Asks the control plane for shares: one call at a time, for all counters that have use for more. */
export class QuotaDesk {
  readonly #options: QuotaDeskOptions;
  readonly #asking = new Set<HeldShare>();
  #isBusy = false;
  #isAway = false;
  #askAgainAt = 0;

  constructor(options: QuotaDeskOptions) {
    this.#options = options;
  }

  /** True while the control plane does not answer: then everybody counts alone. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether it may be asked now, to see whether it is back. */
  get mayAsk(): boolean {
    return !this.#isAway || this.#options.clock.now() >= this.#askAgainAt;
  }

  /** The share's next answer is on its way. */
  ask(share: HeldShare): void {
    this.#asking.add(share);
    if (this.#isBusy || this.#asking.size > 1) return;
    // What else is asked for in this turn of the event loop goes with it.
    queueMicrotask(() => void this.#call());
  }

  async #call(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#asking.size > 0) {
      const batch = [...this.#asking].slice(0, MOST_WANTS);
      for (const share of batch) this.#asking.delete(share);
      await this.#lease(batch);
    }
    this.#isBusy = false;
  }

  async #lease(batch: readonly HeldShare[]): Promise<void> {
    const { clock, lease } = this.#options;
    const askedAt = clock.now();
    if (!this.mayAsk) {
      for (const share of batch) share.release();
      return;
    }
    this.#askAgainAt = askedAt + ASK_AGAIN_MS;
    try {
      const shares = await lease(batch.map((share) => share.want(askedAt)));
      this.#answered();
      batch.forEach((share, index) => share.receive(shares[index] ?? NOTHING, askedAt));
    } catch (cause) {
      this.#unanswered(cause);
      for (const share of batch) share.release();
    }
  }

  #answered(): void {
    if (this.#isAway) this.#options.log.info('shared limits are counted with the control plane again', {});
    this.#isAway = false;
  }

  #unanswered(cause: unknown): void {
    if (!this.#isAway) {
      this.#options.log.warn(
        'the control plane gives out no shares of shared limits: until it does, this data plane holds to each of them by itself',
        { cause },
      );
    }
    this.#isAway = true;
    this.#askAgainAt = this.#options.clock.now() + ASK_AGAIN_MS;
  }
}

const NOTHING = { tokens: 0, validMs: 0, retryMs: 1000, unknown: false } as const;
