import { Code, ConnectError } from '@connectrpc/connect';
import { TokenBuckets } from '@rampart/core';
import type { Clock, ErrorCode, Rate, RegistryLimits } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { Counter, Metrics } from '../../metrics.ts';
import { ERROR_CODE_METADATA } from '../outcomes/error-code-metadata.ts';
import { networkOf } from './network-of.ts';
import { type Allowance, refusedHeaders, type Taken } from './rate-headers.ts';

/** What callers may ask for only so often. */
export type Limited = 'attestation' | 'x509' | 'jwt' | 'registration' | 'query';

/** How often: for each address, and for each identity that proves itself. */
export type CallerRates = Readonly<Record<Limited, Rate>>;

/**
 * SPIRE's numbers: one attestation and 500 signatures a second. Hosts that start all at once behind one address need a burst, and
 * so does whoever registers many instances.
 */
export const DEFAULT_RATES: CallerRates = {
  attestation: { perSecond: 1, burst: 60 },
  x509: { perSecond: 500, burst: 500 },
  jwt: { perSecond: 500, burst: 500 },
  registration: { perSecond: 50, burst: 500 },
  query: { perSecond: 1000, burst: 5000 },
};

export interface CallerLimitsOptions {
  readonly rates: CallerRates;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: Metrics;
  failed(error: unknown): void;
}

/** Who asks. */
export interface LimitedCaller {
  readonly remoteAddress: string;
  /** SPIFFE ID; "" for a newcomer. */
  readonly identity: string;
}

/** A caller that goes on and on is put on record no more often than this. */
const AUDIT_EVERY_MS = 10_000;
const MOST_AUDITED = 1000;
const CODE: ErrorCode = 'RATE_LIMITED';
const LOOPBACK = /^(?:127\.|::1$)/;

/** Keeps callers from taking more of the control plane than their share. */
export class CallerLimits {
  readonly #options: CallerLimitsOptions;
  readonly #rates: Record<Limited, Rate>;
  readonly #buckets: Record<Limited, TokenBuckets>;
  readonly #counter: Counter;
  readonly #auditedAt = new Map<string, number>();

  constructor(options: CallerLimitsOptions) {
    const { rates, clock, metrics } = options;
    this.#options = options;
    this.#rates = { ...rates };
    this.#buckets = {
      attestation: new TokenBuckets(rates.attestation, clock),
      x509: new TokenBuckets(rates.x509, clock),
      jwt: new TokenBuckets(rates.jwt, clock),
      registration: new TokenBuckets(rates.registration, clock),
      query: new TokenBuckets(rates.query, clock),
    };
    this.#counter = metrics.counter('rampart_rate_limited_calls_total', 'Calls refused for their number, by limit.');
  }

  /** Takes the rates of the registry from its settings; whoever used them up begins anew when they change. */
  follow({ registrations, queries }: RegistryLimits): void {
    const { rates } = this.#options;
    this.#setRate('registration', registrations ?? rates.registration);
    this.#setRate('query', queries ?? rates.query);
  }

  /** What is left; throws a `ConnectError` RESOURCE_EXHAUSTED with the code RATE_LIMITED and `retry-after` in seconds. */
  admit(limited: Limited, caller: LimitedCaller): Allowance {
    const taken = this.take(limited, caller);
    if (taken.waitMs === 0) return taken;
    const headers = refusedHeaders(taken);
    throw new ConnectError(
      `too many requests of kind ${limited} for one caller: try again in ${headers['retry-after']} s`,
      Code.ResourceExhausted,
      { [ERROR_CODE_METADATA]: CODE, ...headers },
    );
  }

  /** Counts a call; one that has to wait is counted and put on record as refused. */
  take(limited: Limited, caller: LimitedCaller): Taken {
    const { remoteAddress, identity } = caller;
    const buckets = this.#buckets[limited];
    // The processes of this very host share one address; those that are attested are told apart by their identity.
    const isOwnHost = LOOPBACK.test(remoteAddress);
    const waitMs = Math.max(
      isOwnHost ? 0 : buckets.take(`ip ${networkOf(remoteAddress)}`),
      identity === '' ? 0 : buckets.take(`id ${identity}`),
    );
    const rate = this.#rates[limited];
    if (waitMs > 0) {
      this.#counter.add({ limit: limited });
      this.#audit(limited, caller, waitMs);
      return { limited, rate, left: 0, resetMs: waitMs, waitMs };
    }
    const key = identity === '' ? `ip ${networkOf(remoteAddress)}` : `id ${identity}`;
    const { tokens, fullInMs } = buckets.left(key);
    return { limited, rate, left: tokens, resetMs: fullInMs, waitMs };
  }

  #setRate(limited: Limited, rate: Rate): void {
    const { perSecond, burst } = this.#rates[limited];
    if (rate.perSecond === perSecond && rate.burst === burst) return;
    this.#rates[limited] = rate;
    this.#buckets[limited] = new TokenBuckets(rate, this.#options.clock);
  }

  #audit(limited: Limited, { remoteAddress, identity }: LimitedCaller, waitMs: number): void {
    const { clock, journal, failed } = this.#options;
    const key = `${limited} ${networkOf(remoteAddress)} ${identity}`;
    const now = clock.now();
    if (now - (this.#auditedAt.get(key) ?? Number.NEGATIVE_INFINITY) < AUDIT_EVERY_MS) {
      return;
    }
    if (this.#auditedAt.size >= MOST_AUDITED) {
      this.#auditedAt.clear();
    }
    this.#auditedAt.set(key, now);
    const details = { limit: limited, per_second: this.#rates[limited].perSecond, retry_after_ms: waitMs };
    const event = { eventType: 'RATE_LIMITED', identity, sourceIp: remoteAddress, result: 'DENIED', details } as const;
    journal.audit(event).catch(failed);
  }
}
