import type { Clock } from '@rampart/core';
import { Deadlines } from './deadlines.ts';

export type LeaseKind = 'held' | 'counting' | 'permanent';

interface Lease {
  /** Control streams that hold it. */
  holders: number;
  /** 0 for no end. */
  milliseconds: number;
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
  readonly #leases = new Map<string, Lease>();
  readonly #countdowns: Deadlines;

  constructor(options: { readonly clock: Clock; readonly ended: (instanceId: string) => void }) {
    this.#countdowns = new Deadlines(options.clock, (instanceId) => {
      const lease = this.#leases.get(instanceId);
      if (lease === undefined) return;
      lease.ended = true;
      options.ended(instanceId);
    });
  }

  /** @param milliseconds How long the countdown is, now and whenever it begins again; 0 for no end. */
  grant(instanceId: string, milliseconds: number): void {
    const lease = this.#leases.get(instanceId) ?? { holders: 0, milliseconds, ended: false };
    lease.milliseconds = milliseconds;
    this.#leases.set(instanceId, lease);
    if (lease.holders === 0) this.#countDown(instanceId, lease);
  }

  /** Counts from the start again; false when there is no such lease. */
  renew(instanceId: string): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease === undefined || lease.ended) return false;
    if (lease.holders === 0) this.#countDown(instanceId, lease);
    return true;
  }

  /** False when there is no such lease. */
  attach(instanceId: string): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease === undefined) return false;
    lease.holders += 1;
    this.#countdowns.delete(instanceId);
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

  /** `held` by a control stream, `counting` down, or `permanent`. */
  kind(instanceId: string): LeaseKind | undefined {
    const lease = this.#leases.get(instanceId);
    if (lease === undefined) return undefined;
    if (lease.holders > 0) return 'held';
    return lease.milliseconds === 0 ? 'permanent' : 'counting';
  }

  release(instanceId: string): void {
    this.#countdowns.delete(instanceId);
    this.#leases.delete(instanceId);
  }

  releaseAll(): void {
    this.#countdowns.clear();
    this.#leases.clear();
  }

  #countDown(instanceId: string, lease: Lease): void {
    lease.ended = false;
    if (lease.milliseconds === 0) this.#countdowns.delete(instanceId);
    else this.#countdowns.set(instanceId, lease.milliseconds);
  }
}
