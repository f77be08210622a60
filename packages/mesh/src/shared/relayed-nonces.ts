import type { Clock } from '@rampart/core';

import type { NonceClaim, Nonces, NonceStanding } from '../inbound/signature/nonces.ts';

/** The question of a thread or of a process whether a signature came before, to any of those of its workload here. */
export interface NonceQuestion {
  readonly kind: 'nonce';
  readonly id: number;
  readonly claim: NonceClaim;
}

export interface NonceAnswer {
  readonly kind: 'nonce-standing';
  readonly id: number;
  readonly standing: NonceStanding;
}

/** A request waits for it. */
const ANSWER_MS = 2000;

/** Asks the one that remembers for all of them. */
export class RelayedNonces implements Nonces {
  readonly #post: (question: NonceQuestion) => void;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #open = new Map<number, (standing: NonceStanding) => void>();
  #last = 0;

  constructor(post: (question: NonceQuestion) => void, clock: Pick<Clock, 'after'>) {
    this.#post = post;
    this.#clock = clock;
  }

  take(claim: NonceClaim): Promise<NonceStanding> {
    this.#last += 1;
    const id = this.#last;
    const { promise, resolve } = Promise.withResolvers<NonceStanding>();
    const timer = this.#clock.after(ANSWER_MS, () => this.answered({ id, standing: 'unknown' }));
    this.#open.set(id, (standing) => {
      timer.cancel();
      resolve(standing);
    });
    this.#post({ kind: 'nonce', id, claim });
    return promise;
  }

  answered({ id, standing }: Pick<NonceAnswer, 'id' | 'standing'>): void {
    this.#open.get(id)?.(standing);
    this.#open.delete(id);
  }
}

/** Answers such a question. */
export async function answerNonce({ id, claim }: NonceQuestion, nonces: Nonces): Promise<NonceAnswer> {
  return { kind: 'nonce-standing', id, standing: await nonces.take(claim) };
}
