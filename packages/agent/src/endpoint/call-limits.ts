import { TokenBuckets } from '@rampart/core';
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

const CONNECTIONS = 1_024;
const OPEN_CALLS = 64;
const CALLS_PER_SECOND = 500;
const BURST = 1_000;

/** Keeps one process, or one user, from taking the agent away from the others of the host. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #connections = new Count();
  readonly #open = new Count();
  /** By user. */
  readonly #budgets: TokenBuckets;

  constructor(options: CallLimitsOptions) {
    this.#options = options;
    const { clock, callsPerSecond: perSecond = CALLS_PER_SECOND, burst = BURST } = options;
    this.#budgets = new TokenBuckets({ perSecond, burst }, clock);
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
    return this.#budgets.take(String(uid)) === 0;
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
