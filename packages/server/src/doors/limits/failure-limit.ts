import type { Clock } from '@rampart/core';
import { networkOf } from './network-of.ts';

export interface FailureLimitOptions {
  readonly clock: Clock;
  /** Failures in a row before an address must wait. */
  readonly burst: number;
  /** Failures that are forgiven each second. */
  readonly perSecond: number;
}

interface Bucket {
  failures: number;
  at: number;
}

const MOST_ADDRESSES = 10_000;

/** Slows down whoever keeps failing, by address: guessing is made slow, and refusals cannot fill the audit record. */
export class FailureLimit {
  readonly #options: FailureLimitOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: FailureLimitOptions) {
    this.#options = options;
  }

  /** Whether an address must wait before it may try again. */
  blocks(address: string): boolean {
    return this.#current(networkOf(address)).failures >= this.#options.burst;
  }

  fail(address: string): void {
    const network = networkOf(address);
    const bucket = this.#current(network);
    bucket.failures += 1;
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > MOST_ADDRESSES && oldest.done !== true) {
      this.#buckets.delete(oldest.value);
    }
  }

  #current(network: string): Bucket {
    const { clock, perSecond } = this.#options;
    const now = clock.now();
    const bucket = this.#buckets.get(network) ?? { failures: 0, at: now };
    const forgiven = (Math.max(0, now - bucket.at) / 1000) * perSecond;
    return { failures: Math.max(0, bucket.failures - forgiven), at: now };
  }
}
