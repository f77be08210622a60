import type { Clock, Random, Timer } from '@rampart/core';

import type { MeshLog } from '../../../log.ts';
import type { KeySource } from './key-source.ts';
import { KeySet } from './key-set.ts';

/** As Envoy caches key sets. */
const REFRESH_MS = 300_000;
/** At most this often because a token's key is unknown: anybody can send such tokens. */
const UNKNOWN_KEY_PAUSE_MS = 10_000;
/** Tokens that wait for one issuer at a time; more are judged by the keys at hand, or a hanging issuer would fill the memory. */
const MAX_WAITING = 1024;
const FIRST_RETRY_MS = 1_000;
/** As long as istiod keeps the keys of an issuer that does not answer. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const JITTER = 0.2;

export interface RemoteKeysOptions {
  /** How logs name them: where they come from. */
  readonly name: string;
  /** Gets the text of the key set; rejects with a sentence. */
  readonly fetch: () => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
}

/**
 * The keys of an issuer that publishes them. They are fetched before the first token needs them and refreshed in the
 * background; while the issuer is away the last ones serve, and attempts come later and later.
 */
export class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions;
  #keys: KeySet | undefined;
  #fetchedAt = 0;
  #failures = 0;
  #pending: Promise<KeySet | undefined> | undefined;
  /** Since the fetch under way began. */
  #waiting = 0;
  #notBefore = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  current(): KeySet | undefined {
    if (this.#keys !== undefined && this.#options.clock.now() - this.#fetchedAt > MAX_AGE_MS) this.#keys = undefined;
    return this.#keys;
  }

  refreshed(): Promise<KeySet | undefined> {
    this.#waiting += 1;
    if (this.#pending !== undefined && this.#waiting > MAX_WAITING) return Promise.resolve(this.current());
    if (this.#pending !== undefined) return this.#pending;
    if (this.#stopped || this.#options.clock.now() < this.#notBefore) return Promise.resolve(this.current());
    if (this.#keys !== undefined) this.#notBefore = this.#options.clock.now() + UNKNOWN_KEY_PAUSE_MS;
    return this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #begin(): Promise<KeySet | undefined> {
    this.#timer?.cancel();
    if (this.#pending !== undefined) return this.#pending;
    this.#waiting = 0;
    this.#pending = this.#fetch().finally(() => (this.#pending = undefined));
    return this.#pending;
  }

  async #fetch(): Promise<KeySet | undefined> {
    try {
      const parsed = KeySet.parse(await this.#options.fetch(), { secrets: false });
      if (!parsed.ok) throw new Error(parsed.problem);
      this.#take(parsed.value);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : 'unknown error');
    }
    return this.current();
  }

  /** An unchanged set stays the same object: what was verified with it stays verified. */
  #take(keys: KeySet): void {
    const { clock } = this.#options;
    if (this.#keys?.fingerprint !== keys.fingerprint) this.#keys = keys;
    this.#fetchedAt = clock.now();
    this.#failures = 0;
    this.#schedule(REFRESH_MS);
  }

  #failed(problem: string): void {
    const { clock, log, name } = this.#options;
    const pause = this.#jittered(Math.min(REFRESH_MS, FIRST_RETRY_MS * 2 ** this.#failures));
    if (this.#failures === 0) log.warn('the keys of a token issuer cannot be had', { issuer: name, problem });
    this.#failures += 1;
    this.#notBefore = clock.now() + pause;
    this.#schedule(pause);
  }

  #schedule(milliseconds: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#jittered(milliseconds), () => void this.#begin());
  }

  #jittered(milliseconds: number): number {
    return milliseconds * (1 - JITTER * this.#options.random());
  }
}
