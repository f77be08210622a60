import { TokenBuckets } from '@rampart/core';
import type { Clock, RequestLimit, RequestRate } from '@rampart/core';

import type { Tokens } from '../tokens.ts';
import { HeldShare } from './held-share.ts';
import type { QuotaDesk } from './quota-desk.ts';

const SWEEP_MS = 500;
/** Counters of one rule that are shared at a time; what comes beyond is counted here. */
const MOST_SHARES = 10_000;

/** A rule that all data planes of a service count together. While the control plane is away, each holds to the whole rate by itself. */
export class SharedTokens implements Tokens {
  readonly #limit: RequestLimit;
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #desk: QuotaDesk;
  readonly #alone: TokenBuckets;
  readonly #shares = new Map<string, HeldShare>();
  #isSweeping = false;

  constructor(
    limit: RequestLimit & { readonly rate: RequestRate },
    { clock, desk }: { readonly clock: Clock; readonly desk: QuotaDesk },
  ) {
    this.#limit = limit;
    this.#perSecond = limit.rate.perSecond;
    this.#clock = clock;
    this.#desk = desk;
    this.#alone = new TokenBuckets(limit.rate, clock);
  }

  prepare(key: string): Promise<void> | undefined {
    const desk = this.#desk;
    const share = this.#shareOf(key);
    if (share === undefined || !desk.mayAsk) return undefined;
    const now = this.#clock.now();
    if (desk.isAway) {
      desk.ask(share);
      return undefined;
    }
    if (share.isUnknown(now)) return undefined;
    if (share.isSettled(now)) {
      if (share.isLow(now)) desk.ask(share);
      return undefined;
    }
    const answered = share.wait();
    desk.ask(share);
    return answered;
  }

  take(key: string): number {
    const now = this.#clock.now();
    const share = this.#shares.get(key);
    if (share === undefined || share.isUnknown(now) || this.#desk.isAway) return this.#alone.take(key);
    return share.take(now);
  }

  giveBack(key: string): void {
    const share = this.#shares.get(key);
    if (share === undefined || share.isUnknown(this.#clock.now()) || this.#desk.isAway) this.#alone.giveBack(key);
    else share.giveBack();
  }

  #shareOf(key: string): HeldShare | undefined {
    const known = this.#shares.get(key);
    if (known !== undefined || this.#shares.size >= MOST_SHARES) return known;
    const { policy, rule } = this.#limit;
    const share = new HeldShare({ policy, rule, key, perSecond: this.#perSecond });
    this.#shares.set(key, share);
    this.#sweepLater();
    return share;
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#isSweeping = false;
      this.#sweep();
    });
  }

  /** What was not used in its time goes back, so that others can have it. */
  #sweep(): void {
    const now = this.#clock.now();
    for (const [key, share] of this.#shares) {
      if (share.expire(now)) this.#desk.ask(share);
      else if (share.isIdle(now)) this.#shares.delete(key);
    }
    if (this.#shares.size > 0) this.#sweepLater();
  }
}
