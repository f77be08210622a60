import type { Clock } from '@rampart/core';

export interface CallLimitsOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Connections of one user. */
  readonly connections?: number;
  /** Calls of one process that run at a time. */
  readonly openCalls?: number;
  /** New calls of one user in a second, and at once after a quiet time. */
  readonly callsPerSecond?: number;
  readonly burst?: number;
}

interface Budget {
  calls: number;
  at: number;
}

const CONNECTIONS = 1_024;
const OPEN_CALLS = 64;
const CALLS_PER_SECOND = 500;
const BURST = 1_000;
/** Budgets that are kept; those that are full again say nothing and go first. */
const MOST_BUDGETS = 4_096;

/** Keeps one process, or one user, from taking the agent away from the others of the host. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #connections = new Count();
  readonly #open = new Count();
  readonly #budgets = new Map<number, Budget>();

  constructor(options: CallLimitsOptions) {
    this.#options = options;
  }

  /** Takes a connection, to be ended by calling what is returned; undefined when there are too many. */
  connect({ uid }: { readonly uid: number }): (() => void) | undefined {
    return this.#spend(uid) ? this.#connections.add(uid, this.#options.connections ?? CONNECTIONS) : undefined;
  }

  /** Starts a call, to be ended by calling what is returned; undefined when there are too many. */
  begin({ pid, uid }: { readonly pid: number; readonly uid: number }): (() => void) | undefined {
    return this.#spend(uid) ? this.#open.add(pid, this.#options.openCalls ?? OPEN_CALLS) : undefined;
  }

  #spend(uid: number): boolean {
    const { clock, callsPerSecond = CALLS_PER_SECOND, burst = BURST } = this.#options;
    const now = clock.now();
    const known = this.#budgets.get(uid) ?? { calls: burst, at: now };
    const calls = Math.min(burst, known.calls + (Math.max(0, now - known.at) / 1_000) * callsPerSecond);
    if (this.#budgets.size > MOST_BUDGETS) this.#budgets.clear();
    this.#budgets.set(uid, { calls: calls >= 1 ? calls - 1 : calls, at: now });
    return calls >= 1;
  }
}

/** How many there are of each now. */
class Count {
  readonly #numbers = new Map<number, number>();

  add(key: number, most: number): (() => void) | undefined {
    const number = this.#numbers.get(key) ?? 0;
    if (number >= most) return undefined;
    this.#numbers.set(key, number + 1);
    return () => {
      const left = (this.#numbers.get(key) ?? 1) - 1;
      if (left > 0) this.#numbers.set(key, left);
      else this.#numbers.delete(key);
    };
  }
}
