import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';

import type { MeshLog } from '../log.ts';
import { keepAppointment, renewalDelay } from './renewal-time.ts';
import { type Svid, withBundle } from './svid.ts';

/** Gets certificates: the first by attestation, every next one by renewal. */
export interface SvidIssuer {
  attest(): Promise<Svid>;
  renew(current: Svid): Promise<Svid>;
}

export interface SvidSourceOptions {
  readonly issuer: SvidIssuer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;

/** Holds the current SVID and keeps it fresh. */
export class SvidSource {
  readonly #options: SvidSourceOptions;
  readonly #listeners = new Set<(svid: Svid) => void>();
  #current: Svid | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopped = false;
  #isAttempting = false;
  #isUrgent = false;
  #refused = false;
  #toldDenial: string | undefined;
  readonly #refusalListeners = new Set<() => void>();

  constructor(options: SvidSourceOptions) {
    this.#options = options;
  }

  get current(): Svid | undefined {
    return this.#current;
  }

  /** Calls back with every new SVID, and at once with the current one. */
  subscribe(listener: (svid: Svid) => void): () => void {
    this.#listeners.add(listener);
    if (this.#current !== undefined) listener(this.#current);
    return () => this.#listeners.delete(listener);
  }

  /** True once the control plane has said no for good: waiting longer changes nothing. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Calls back when the control plane says no for good. */
  onRefused(listener: () => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  /** Starts attesting; retries until it succeeds, the token is refused, or `stop()`. */
  start(): void {
    void this.#attempt();
  }

  /** Emergency rotation: renews now. */
  rotateNow(): void {
    if (this.#isAttempting || this.#refused) return;
    this.#isUrgent = this.#current !== undefined;
    this.#timer?.cancel();
    void this.#attempt();
  }

  /** Judges peers by these roots (DER) from now on. An older bundle than the present one changes nothing. */
  trust(roots: readonly Uint8Array[], sequence: number): void {
    const current = this.#current;
    if (current === undefined || this.#stopped || sequence <= current.bundle.sequence) return;
    this.#current = withBundle(current, { ...current.bundle, roots, sequence });
    for (const listener of this.#listeners) listener(this.#current);
  }

  /** Takes a certificate that was issued to this process elsewhere, and is renewed there. */
  take(svid: Svid): void {
    if (this.#stopped) return;
    this.#current = svid;
    for (const listener of this.#listeners) listener(svid);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #attempt(): Promise<void> {
    const { issuer, log } = this.#options;
    this.#isAttempting = true;
    try {
      const next = this.#current === undefined ? await issuer.attest() : await issuer.renew(this.#current);
      this.#adopt(next);
    } catch (cause) {
      if (this.#stopped) return;
      if (isFinal(cause)) {
        this.#refused = true;
        for (const listener of this.#refusalListeners) listener();
        log.error(
          'the control plane refused this workload an identity; get a new one with `rampart token create` (or start it with `rampart run`)',
          { cause },
        );
        return;
      }
      this.#report(cause);
      this.#schedule(this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS, this.#untilExpiry() / 4);
    } finally {
      this.#isAttempting = false;
    }
  }

  /** A refusal is for people to mend, so that they are told; once, however long it lasts. */
  #report(cause: unknown): void {
    const { log } = this.#options;
    const denial = cause instanceof RampartError && cause.code === 'ATTESTATION_DENIED' ? cause.message : undefined;
    if (denial === undefined || denial === this.#toldDenial) {
      log.warn('no certificate yet, trying again', { retryMs: this.#retryMs, cause });
      return;
    }
    this.#toldDenial = denial;
    log.error('the control plane refuses this workload an identity; it goes on trying', { cause });
  }

  #adopt(next: Svid): void {
    if (this.#stopped) return;
    const adopted: Svid = this.#isUrgent ? { ...next, isUrgent: true } : next;
    this.#current = adopted;
    this.#isUrgent = false;
    this.#retryMs = FIRST_RETRY_MS;
    const { clock, random } = this.#options;
    this.#schedule(renewalDelay(next, clock.now(), random));
    for (const listener of this.#listeners) listener(adopted);
  }

  #schedule(delay: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const appointment = { at: clock.now() + delay, certificate: this.#current };
    this.#timer?.cancel();
    this.#timer = keepAppointment(clock, appointment, () => void this.#attempt());
  }

  #untilExpiry(): number {
    if (this.#current === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(this.#current.notAfter - this.#options.clock.now(), FIRST_RETRY_MS * 4);
  }
}

function isFinal(cause: unknown): boolean {
  return cause instanceof RampartError && (cause.code === 'INVALID_JOIN_TOKEN' || cause.code === 'CERTIFICATE_REVOKED');
}
