import type { Clock } from '@rampart/core';
import type { NonceClaim } from '@rampart/wire/control';

import { Availability } from '../../control/availability.ts';
import { Gathering } from '../../control/gathering.ts';
import type { MeshLog } from '../../log.ts';

/** Asks the control plane how claims stand, one word for each, in their order. Rejects when there is no answer. */
export type TakeNonces = (claims: readonly NonceClaim[]) => Promise<readonly string[]>;

export interface NonceDeskOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: MeshLog;
  readonly take: TakeNonces;
}

interface Asking {
  readonly claim: NonceClaim;
  answer(standing: string | undefined): void;
}

/** What the control plane takes in one call. */
const MOST_CLAIMS = 1000;
const LOST =
  'the control plane does not say which signed requests came before: until it does, those of policies with failOpen are held to what came to this instance, and the others are answered with 503';
const BACK = 'the control plane says again which signed requests came before';

/** Asks whether signed requests came before, to any instance: one call at a time, for all that wait. */
export class NonceDesk {
  readonly #take: TakeNonces;
  readonly #controlPlane: Availability;
  readonly #waiting = new Gathering<Asking>(MOST_CLAIMS, (batch) => this.#serve(batch));

  constructor({ clock, log, take }: NonceDeskOptions) {
    this.#take = take;
    this.#controlPlane = new Availability({ clock, log, lost: LOST, back: BACK });
  }

  /** Undefined where there is no answer. */
  ask(claim: NonceClaim): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#waiting.add({ claim, answer: resolve });
    return promise;
  }

  async #serve(batch: readonly Asking[]): Promise<void> {
    const standings = await this.#standingsOf(batch.map(({ claim }) => claim));
    batch.forEach(({ answer }, index) => answer(standings[index]));
  }

  async #standingsOf(claims: readonly NonceClaim[]): Promise<readonly string[]> {
    if (!this.#controlPlane.mayAsk) return [];
    this.#controlPlane.asking();
    try {
      const standings = await this.#take(claims);
      this.#controlPlane.answered();
      return standings;
    } catch (cause) {
      this.#controlPlane.unanswered(cause);
      return [];
    }
  }
}
