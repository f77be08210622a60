import type { Clock, Timer } from '@rampart/core';

interface Lease {
  /** Control streams that hold it. */
  holders: number;
  countdown: Timer | undefined;
  ended: boolean;
}

/**
 * The right of each instance to be found. A lease is held while at least one control stream is attached; without one it
 * counts down, and ends when the countdown does.
 *
 *              | grant     | attach       | detach (last)  | time up
 *     none     | counting  | –            | –              | –
 *     counting | counting¹ | held         | –              | ended
 *     held     | held      | held (+1)    | counting       | –
 *     ended    | counting  | held         | –              | –
 *
 * ¹ from the start again. `release` forgets a lease in any state.
 */
export class Leases {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #ended: (instanceId: string) => void;
  readonly #leases = new Map<string, Lease>();

  constructor(options: {
    readonly clock: Clock;
    readonly milliseconds: number;
    readonly ended: (instanceId: string) => void;
  }) {
    this.#clock = options.clock;
    this.#milliseconds = options.milliseconds;
    this.#ended = options.ended;
  }

  grant(instanceId: string): void {
    const lease = this.#leases.get(instanceId) ?? { holders: 0, countdown: undefined, ended: false };
    this.#leases.set(instanceId, lease);
    if (lease.holders === 0) this.#countDown(instanceId, lease);
  }

  /** False when there is no such lease. */
  attach(instanceId: string): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease === undefined) return false;
    lease.holders += 1;
    lease.countdown?.cancel();
    lease.ended = false;
    return true;
  }

  detach(instanceId: string): void {
    const lease = this.#leases.get(instanceId);
    if (lease === undefined || lease.holders === 0) return;
    lease.holders -= 1;
    if (lease.holders === 0) this.#countDown(instanceId, lease);
  }

  hasEnded(instanceId: string): boolean {
    return this.#leases.get(instanceId)?.ended ?? false;
  }

  release(instanceId: string): void {
    this.#leases.get(instanceId)?.countdown?.cancel();
    this.#leases.delete(instanceId);
  }

  releaseAll(): void {
    for (const instanceId of this.#leases.keys()) this.release(instanceId);
  }

  #countDown(instanceId: string, lease: Lease): void {
    lease.countdown?.cancel();
    lease.ended = false;
    lease.countdown = this.#clock.after(this.#milliseconds, () => {
      lease.ended = true;
      this.#ended(instanceId);
    });
  }
}
