import type { Clock } from '@rampart/core';

export interface CallLimitsOptions {
  readonly clock: Pick<Clock, 'now'>;
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

const OPEN_CALLS = 64;
const CALLS_PER_SECOND = 500;
const BURST = 1_000;
/** Budgets that are kept; those that are full again say nothing and go first. */
const MOST_BUDGETS = 4_096;

/** Keeps one process, or one user, from taking the agent away from the others of the host. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #open = new Map<number, number>();
  readonly #budgets = new Map<number, Budget>();

  constructor(options: CallLimitsOptions) {
    this.#options = options;
  }

  /** Starts a call, to be ended by calling what is returned; undefined when there are too many. */
  begin({ pid, uid }: { readonly pid: number; readonly uid: number }): (() => void) | undefined {
    const open = this.#open.get(pid) ?? 0;
    if (open >= (this.#options.openCalls ?? OPEN_CALLS) || !this.#spend(uid)) return undefined;
    this.#open.set(pid, open + 1);
    return () => {
      const left = (this.#open.get(pid) ?? 1) - 1;
      if (left > 0) this.#open.set(pid, left);
      else this.#open.delete(pid);
    };
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
