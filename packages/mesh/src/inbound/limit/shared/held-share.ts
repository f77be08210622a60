import type { QuotaShare, QuotaWant } from '@rampart/wire/control';

/** Whose counter it is. */
export interface QuotaName {
  readonly policy: string;
  readonly rule: string;
  readonly key: string;
  /** Of the whole quota. */
  readonly perSecond: number;
}

/** A share is asked for with as much ahead as is used in this time, and the quota yields in it. */
const AHEAD_SECONDS = 0.1;
/** Below this part of what was asked ahead there is asked again, before anybody has to wait. */
const LOW = 0.5;

/** What this data plane holds of one shared counter. */
export class HeldShare {
  readonly #name: QuotaName;
  #tokens = 0;
  /** Of these, for those who have waited for them. */
  #kept = 0;
  /** The next one to take has not waited. */
  #isAtOnce = false;
  /** By the last answer. */
  #waited = 0;
  #validUntil = Number.NEGATIVE_INFINITY;
  /** Nothing is to be had before, as far as is known. */
  #emptyUntil = Number.NEGATIVE_INFINITY;
  /** The control plane does not know this counter, which is then counted here. */
  #unknownUntil = Number.NEGATIVE_INFINITY;
  #unused = 0;
  #usedSince = 0;
  #ahead = 0;
  #wanted = 0;
  #waiting = 0;
  /** Of those whose tokens are to be asked for, and of those whose tokens have been. */
  #next: PromiseWithResolvers<void> | undefined;
  #asked: PromiseWithResolvers<void> | undefined;

  constructor(name: QuotaName) {
    this.#name = name;
  }

  isUnknown(now: number): boolean {
    return now < this.#unknownUntil;
  }

  /** Whether `take`, which comes next then, can tell without asking. */
  isSettled(now: number): boolean {
    this.#isAtOnce = this.#free(now) > 0 || now < this.#emptyUntil;
    return this.#isAtOnce;
  }

  /** Whether it is time to ask for more. */
  isLow(now: number): boolean {
    return this.#ahead > 0 && now >= this.#emptyUntil && this.#tokens < this.#ahead * LOW;
  }

  /** 0, or else the milliseconds until there may be one. */
  take(now: number): number {
    const isAtOnce = this.#isAtOnce;
    this.#isAtOnce = false;
    if ((isAtOnce ? this.#free(now) : this.#there(now)) <= 0) return Math.max(1, this.#emptyUntil - now);
    if (!isAtOnce) this.#kept = Math.max(0, this.#kept - 1);
    this.#tokens -= 1;
    this.#usedSince += 1;
    return 0;
  }

  giveBack(): void {
    this.#tokens += 1;
    this.#usedSince -= 1;
  }

  /** One more request waits for the next answer. */
  wait(): Promise<void> {
    this.#waiting += 1;
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  /** Lets go of what was not used in its time. True when it has something to give back. */
  expire(now: number): boolean {
    if (now >= this.#validUntil) {
      this.#unused += this.#tokens;
      this.#tokens = 0;
      this.#kept = 0;
    }
    return this.#unused > 0;
  }

  /** Nothing is held, waited for, or known of it. */
  isIdle(now: number): boolean {
    return (
      this.#asked === undefined &&
      this.#tokens + this.#unused + this.#waiting === 0 &&
      now >= this.#emptyUntil &&
      now >= this.#unknownUntil
    );
  }

  /** What to ask for now. */
  want(now: number): QuotaWant {
    this.expire(now);
    const { policy, rule, key, perSecond } = this.#name;
    this.#ahead = Math.max(0, Math.min(this.#usedSince, Math.floor(perSecond * AHEAD_SECONDS)));
    this.#waited = this.#waiting;
    this.#wanted = Math.max(0, this.#waiting + this.#ahead - this.#free(now));
    const want = { policy, rule, key, tokens: this.#wanted, unused: this.#unused };
    this.#usedSince = 0;
    this.#unused = 0;
    this.#waiting = 0;
    this.#asked = this.#next;
    this.#next = undefined;
    return want;
  }

  /** `askedAt`: when it was wanted, from which its time is counted: the way of the answer is part of it. */
  receive({ tokens, validMs, retryMs, unknown }: QuotaShare, askedAt: number): void {
    this.#tokens += tokens;
    // What those before did not take, they will not take any more.
    this.#kept = Math.min(this.#tokens, this.#waited);
    if (tokens > 0) this.#validUntil = askedAt + validMs;
    if (tokens < this.#wanted) this.#emptyUntil = askedAt + Math.max(1, retryMs);
    if (unknown) this.#unknownUntil = askedAt + UNKNOWN_MS;
    this.#asked?.resolve();
    this.#asked = undefined;
  }

  /** There is no answer: whoever waits goes on. */
  release(): void {
    this.#asked?.resolve();
    this.#next?.resolve();
    this.#asked = undefined;
    this.#next = undefined;
    this.#waiting = 0;
  }

  #there(now: number): number {
    return now < this.#validUntil ? this.#tokens : 0;
  }

  /** What nobody has waited for. */
  #free(now: number): number {
    return this.#there(now) - this.#kept;
  }
}

/** By then both sides have the same policies. */
const UNKNOWN_MS = 1000;
