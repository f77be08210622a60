/** Retries for each request, on top of those that are always allowed. */
const SHARE = 0.2;
const ALWAYS_PER_SECOND = 10;
const SECONDS = 10;
const SLOT_MS = 1000;

/**
 * How many retries a service can be asked for: a fifth of its requests of the last ten seconds, and ten a second. A
 * service that is out of breath is not given more to do by those who want the same again (Finagle's retry budget).
 */
export class RetryBudget {
  readonly #requests = new Float64Array(SECONDS);
  readonly #retries = new Float64Array(SECONDS);
  #slot = Number.NEGATIVE_INFINITY;

  /** A request that is no retry. `now`: milliseconds of a clock that only goes forward. */
  request(now: number): void {
    const at = this.#at(now);
    this.#requests[at] = (this.#requests[at] ?? 0) + 1;
  }

  /** Takes one retry; false when there is none left. */
  take(now: number): boolean {
    const at = this.#at(now);
    const allowed = SHARE * sum(this.#requests) + ALWAYS_PER_SECOND * SECONDS;
    if (sum(this.#retries) + 1 > allowed) return false;
    this.#retries[at] = (this.#retries[at] ?? 0) + 1;
    return true;
  }

  /** Retries of the last ten seconds. */
  spent(now: number): number {
    this.#at(now);
    return sum(this.#retries);
  }

  #at(now: number): number {
    const slot = Math.floor(now / SLOT_MS);
    for (let behind = Math.max(this.#slot + 1, slot - SECONDS + 1); behind <= slot; behind += 1) {
      this.#requests[index(behind)] = 0;
      this.#retries[index(behind)] = 0;
    }
    this.#slot = Math.max(slot, this.#slot);
    return index(this.#slot);
  }
}

function index(slot: number): number {
  return ((slot % SECONDS) + SECONDS) % SECONDS;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
