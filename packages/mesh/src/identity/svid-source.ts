import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';

import type { MeshLog } from '../log.ts';
import { ClockError, clockFailure, skewProblem } from './clock-skew.ts';
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
const ENDED =
  'the certificate of this workload has ended, and there is no other: every connection fails; it goes on trying. A workload that joined with a token has to be started again, with a new one';

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
  #toldMatter: string | undefined;
  #isSkewed = false;
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
    } catch (error) {
      if (this.#stopped) return;
      const cause = clockFailure(error, this.#options.clock.now());
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

  /** What people have to mend they are told; once, however long it lasts. */
  #report(cause: unknown): void {
    const { log } = this.#options;
    const matter = this.#matterOf(cause);
    if (matter === undefined || matter.key === this.#toldMatter) {
      log.warn('no certificate yet, trying again', { retryMs: this.#retryMs, cause });
      return;
    }
    this.#toldMatter = matter.key;
    log.error(matter.text, { cause });
  }

  #matterOf(cause: unknown): { readonly key: string; readonly text: string } | undefined {
    if (cause instanceof RampartError && cause.code === 'ATTESTATION_DENIED') {
      return { key: cause.message, text: 'the control plane refuses this workload an identity; it goes on trying' };
    }
    if (cause instanceof ClockError) return { key: 'clock', text: 'no identity can be asked for; it goes on trying' };
    return this.#hasEnded() ? { key: 'ended', text: ENDED } : undefined;
  }

  #adopt(next: Svid): void {
    if (this.#stopped) return;
    const adopted: Svid = this.#isUrgent ? { ...next, isUrgent: true } : next;
    this.#current = adopted;
    this.#isUrgent = false;
    this.#retryMs = FIRST_RETRY_MS;
    this.#toldMatter = undefined;
    const { clock, random } = this.#options;
    this.#compareClocks(next);
    this.#schedule(renewalDelay(next, clock.now(), random));
    for (const listener of this.#listeners) listener(adopted);
  }

  /** Said once, until it goes right again. */
  #compareClocks(issued: Svid): void {
    const { clock, log } = this.#options;
    const problem = skewProblem(issued, clock.now());
    if (problem !== undefined && !this.#isSkewed) log.error(problem);
    this.#isSkewed = problem !== undefined;
  }

  #schedule(delay: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const appointment = { at: clock.now() + delay, certificate: this.#current };
    this.#timer?.cancel();
    this.#timer = keepAppointment(clock, appointment, () => void this.#attempt());
  }

  #hasEnded(): boolean {
    return this.#current !== undefined && this.#options.clock.now() >= this.#current.notAfter;
  }

  /** Soon before its end there is little time to lose; after it there is none left to be lost. */
  #untilExpiry(): number {
    if (this.#current === undefined || this.#hasEnded()) return Number.POSITIVE_INFINITY;
    return Math.max(this.#current.notAfter - this.#options.clock.now(), FIRST_RETRY_MS * 4);
  }
}

function isFinal(cause: unknown): boolean {
  return cause instanceof RampartError && (cause.code === 'INVALID_JOIN_TOKEN' || cause.code === 'CERTIFICATE_REVOKED');
}
