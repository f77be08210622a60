import { RampartError } from '@rampart/core';

import type { Lease } from '../inbound/limit/shared/lease.ts';

type Wants = Parameters<Lease>[0];
type Shares = Awaited<ReturnType<Lease>>;

/** The question of a thread or of a process for shares of shared limits. */
export interface LeaseQuestion {
  readonly kind: 'lease';
  readonly id: number;
  readonly wants: Wants;
}

export interface LeaseAnswer {
  readonly kind: 'shares';
  readonly id: number;
  /** Undefined where the control plane gave none. */
  readonly shares: Shares | undefined;
}

/** Asks through the one that speaks with the control plane. */
export class RelayedLease {
  readonly #post: (question: LeaseQuestion) => void;
  readonly #open = new Map<number, PromiseWithResolvers<Shares>>();
  #last = 0;

  constructor(post: (question: LeaseQuestion) => void) {
    this.#post = post;
  }

  ask(wants: Wants): Promise<Shares> {
    this.#last += 1;
    const pending = Promise.withResolvers<Shares>();
    this.#open.set(this.#last, pending);
    this.#post({ kind: 'lease', id: this.#last, wants });
    return pending.promise;
  }

  answered({ id, shares }: LeaseAnswer): void {
    const pending = this.#open.get(id);
    this.#open.delete(id);
    if (shares !== undefined) pending?.resolve(shares);
    else pending?.reject(new RampartError('CONTROL_PLANE_UNREACHABLE', 'it gave out no shares of shared limits'));
  }
}

/** Answers such a question. Never rejects. */
export async function answerLease({ id, wants }: LeaseQuestion, lease: Lease | undefined): Promise<LeaseAnswer> {
  try {
    return { kind: 'shares', id, shares: await lease?.(wants) };
  } catch {
    return { kind: 'shares', id, shares: undefined };
  }
}
