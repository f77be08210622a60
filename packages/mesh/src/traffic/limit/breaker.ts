import type { LimitSettings } from '../settings/resilience.ts';

/** Waits for its turn. */
export interface Waiter {
  admitted(): void;
}

/** "in": it may go; "waiting": it is told when it may; "overflow": it may not. */
export type Admission = 'in' | 'waiting' | 'overflow';

/** Circuit breaker: how many requests a group of instances is given at a time, and how many wait for that. */
export class Breaker {
  settings: LimitSettings;
  #requests = 0;
  #retries = 0;
  #turnedAway = 0;
  #opened = 0;
  #isHolding = false;
  readonly #waiting = new Set<Waiter>();

  constructor(settings: LimitSettings = {}) {
    this.settings = settings;
  }

  /** Requests under way. */
  get requests(): number {
    return this.#requests;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** True while a further request would wait or be refused. */
  get isOpen(): boolean {
    return this.#requests >= (this.settings.requests ?? Number.POSITIVE_INFINITY);
  }

  /** Requests and retries that found no room so far. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Times that it began to make requests wait or to turn them away. */
  get opened(): number {
    return this.#opened;
  }

  enter(waiter: Waiter): Admission {
    if (!this.isOpen) {
      this.#isHolding = false;
      this.#requests += 1;
      return 'in';
    }
    if (!this.#isHolding) this.#opened += 1;
    this.#isHolding = true;
    if (this.#waiting.size >= (this.settings.pending ?? Number.POSITIVE_INFINITY)) {
      this.#turnedAway += 1;
      return 'overflow';
    }
    this.#waiting.add(waiter);
    return 'waiting';
  }

  /** The same for what does not wait. */
  enterNow(): boolean {
    if (!this.isOpen) {
      this.#isHolding = false;
      this.#requests += 1;
      return true;
    }
    if (!this.#isHolding) this.#opened += 1;
    this.#isHolding = true;
    this.#turnedAway += 1;
    return false;
  }

  /** A request that was in is over; one that waits takes its place. */
  leave(): void {
    this.#requests -= 1;
    if (this.isOpen) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#requests += 1;
    next.admitted();
  }

  /** It does not wait any more. */
  giveUp(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  /** Whether a further retry may be under way; where it may, it is until `retried`. */
  retry(): boolean {
    const { retries = Number.POSITIVE_INFINITY, retryBudget } = this.settings;
    const most =
      retryBudget === undefined ? retries : Math.max(retryBudget.minimum, retryBudget.share * this.#requests);
    if (this.#retries >= most) {
      this.#turnedAway += 1;
      return false;
    }
    this.#retries += 1;
    return true;
  }

  retried(): void {
    this.#retries -= 1;
  }
}
