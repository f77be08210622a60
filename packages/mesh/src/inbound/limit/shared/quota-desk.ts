import type { Clock } from '@rampart/core';

import { Availability } from '../../../control/availability.ts';
import { Gathering } from '../../../control/gathering.ts';
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
const LOST =
  'the control plane gives out no shares of shared limits: until it does, this data plane holds to each of them by itself';
const BACK = 'shared limits are counted with the control plane again';

/** Asks the control plane for shares: one call at a time, for all counters that have use for more. */
export class QuotaDesk {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #lease: Lease;
  readonly #controlPlane: Availability;
  readonly #asking = new Gathering<HeldShare>(MOST_WANTS, (batch) => this.#serve(batch));

  constructor({ clock, log, lease }: QuotaDeskOptions) {
    this.#clock = clock;
    this.#lease = lease;
    this.#controlPlane = new Availability({ clock, log, lost: LOST, back: BACK });
  }

  /** True while the control plane does not answer: then everybody counts alone. */
  get isAway(): boolean {
    return this.#controlPlane.isAway;
  }

  /** Whether it may be asked now, to see whether it is back. */
  get mayAsk(): boolean {
    return this.#controlPlane.mayAsk;
  }

  /** The share's next answer is on its way. */
  ask(share: HeldShare): void {
    this.#asking.add(share);
  }

  async #serve(batch: readonly HeldShare[]): Promise<void> {
    const askedAt = this.#clock.now();
    if (!this.mayAsk) {
      for (const share of batch) share.release();
      return;
    }
    this.#controlPlane.asking();
    try {
      const shares = await this.#lease(batch.map((share) => share.want(askedAt)));
      this.#controlPlane.answered();
      batch.forEach((share, index) => share.receive(shares[index] ?? NOTHING, askedAt));
    } catch (cause) {
      this.#controlPlane.unanswered(cause);
      for (const share of batch) share.release();
    }
  }
}

const NOTHING = { tokens: 0, validMs: 0, retryMs: 1000, unknown: false } as const;
