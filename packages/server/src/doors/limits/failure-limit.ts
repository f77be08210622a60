import type { Clock, RampartError } from '@rampart/core';
import { networkOf } from './network-of.ts';
import { refusedHeaders } from './rate-headers.ts';

export interface FailureLimitOptions {
  readonly clock: Clock;
  /** Failures in a row before an address must wait. */
  readonly burst: number;
  /** Failures that are forgiven each second. */
  readonly perSecond: number;
  /** When an address is blocked, and for how long; never unless given. */
  readonly block?: AddressBlock;
}

export interface AddressBlock {
  /** Failures within a minute after which an address is blocked. */
  perMinute(): number;
  blockSeconds(): number;
  /** Hears of each block, once. */
  blocked(address: string, block: { readonly failures: number; readonly seconds: number }): void;
}

interface Bucket {
  failures: number;
  at: number;
  /** Failures since `minuteAt`, which is at most a minute ago. */
  ofMinute: number;
  minuteAt: number;
  blockedUntil: number;
}

const MOST_ADDRESSES = 10_000;
const LONGEST_WAIT_SECONDS = 10;
const MINUTE_MS = 60_000;
const LOOPBACK = /^(?:127\.|::1$)/;

/** What a door says to whoever has to wait. */
export const TOO_MANY_REFUSALS = 'too many refused calls from this address: wait as long as Retry-After says';

/**
 * Whether a refusal was somebody's guess, at whichever door. On this very host, certificates that count no more come from many
 * processes and are nobody's guess.
 */
export function isGuess({ code }: RampartError, remoteAddress: string): boolean {
  if (code === 'UNAUTHENTICATED') return true;
  return (code === 'INVALID_CERTIFICATE' || code === 'CERTIFICATE_REVOKED') && !LOOPBACK.test(remoteAddress);
}

/** Slows down whoever keeps failing, by address: guessing is made slow, and refusals cannot fill the audit record. */
export class FailureLimit {
  readonly #options: FailureLimitOptions;
  readonly #buckets = new Map<string, Bucket>();
  /** Whoever goes on and on waits as long as anybody else: a neighbour's guesses would keep strangers out for hours. */
  readonly #most: number;

  constructor(options: FailureLimitOptions) {
    this.#options = options;
    this.#most = options.burst + LONGEST_WAIT_SECONDS * options.perSecond;
  }

  /** What an address is told that has to wait: when to come again, and the limit that it has reached. */
  refusedHeaders(address: string): Record<string, string> {
    const { burst, perSecond, block } = this.#options;
    const { failures, blockedUntil, at } = this.#current(networkOf(address));
    const blockedMs = Math.max(0, blockedUntil - at);
    const waitMs = blockedMs > 0 ? blockedMs : (Math.max(0, failures - burst) / perSecond) * 1000 + 1;
    const rate =
      blockedMs > 0 && block !== undefined
        ? { burst: block.perMinute(), perSecond: (block.perMinute() * 1000) / MINUTE_MS }
        : { burst, perSecond };
    return refusedHeaders({ limited: 'authentication-failures', rate, left: 0, resetMs: waitMs, waitMs });
  }

  /** Whether an address must wait before it may try again. */
  blocks(address: string): boolean {
    const bucket = this.#current(networkOf(address));
    return bucket.failures >= this.#options.burst || bucket.blockedUntil > bucket.at;
  }

  /** The same for calls that ask for no credentials: on this very host, a neighbour who guesses keeps nobody from them for long. */
  blocksStrangers(address: string): boolean {
    return this.#current(networkOf(address)).failures >= this.#options.burst || this.blockedMs(address) > 0;
  }

  /**
   * Milliseconds for which nothing but a certificate is looked at from this address; 0 when it is not blocked. This very host is never
   * blocked so: all of its processes have one address, and any of them could keep out the others. Its guesses are refused all the same.
   */
  blockedMs(address: string): number {
    if (LOOPBACK.test(address)) return 0;
    const { blockedUntil, at } = this.#current(networkOf(address));
    return Math.max(0, blockedUntil - at);
  }

  /** @param isGuess Somebody failed to prove who they are: enough of that blocks the address. */
  fail(address: string, isGuess: boolean = true): void {
    const network = networkOf(address);
    const bucket = this.#current(network);
    bucket.failures = Math.min(bucket.failures + 1, this.#most);
    if (isGuess) bucket.ofMinute += 1;
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > MOST_ADDRESSES && oldest.done !== true) {
      this.#buckets.delete(oldest.value);
    }
    this.#block(address, bucket);
  }

  #block(address: string, bucket: Bucket): void {
    const { block } = this.#options;
    if (block === undefined || bucket.blockedUntil > bucket.at || bucket.ofMinute < block.perMinute()) return;
    const seconds = block.blockSeconds();
    bucket.blockedUntil = bucket.at + seconds * 1000;
    block.blocked(address, { failures: bucket.ofMinute, seconds });
    bucket.ofMinute = 0;
  }

  #current(network: string): Bucket {
    const { clock, perSecond } = this.#options;
    const now = clock.now();
    const known = this.#buckets.get(network);
    if (known === undefined) return { failures: 0, at: now, ofMinute: 0, minuteAt: now, blockedUntil: 0 };
    const forgiven = (Math.max(0, now - known.at) / 1000) * perSecond;
    const isSameMinute = now - known.minuteAt < MINUTE_MS;
    return {
      failures: Math.max(0, known.failures - forgiven),
      at: now,
      ofMinute: isSameMinute ? known.ofMinute : 0,
      minuteAt: isSameMinute ? known.minuteAt : now,
      blockedUntil: known.blockedUntil,
    };
  }
}
