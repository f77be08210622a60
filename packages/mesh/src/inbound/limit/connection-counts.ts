import type { Socket } from 'node:net';

import { BoundedCache } from '@rampart/core';
import type { Clock, WorkloadLimits } from '@rampart/core';

type Per = WorkloadLimits['connections'][number]['per'];

/** Why a connection is one too many. */
export interface ConnectionShortage {
  readonly reason: string;
  /** False while the same was told of this source a moment ago: a flood is told about, not every drop of it. */
  readonly isNews: boolean;
}

const TOLD_AGAIN_MS = 10_000;
const MOST_TOLD = 10_000;

/** Connections of one port that are open, by where they come from; and whether there may be one more. */
export class ConnectionCounts {
  readonly #limits: () => WorkloadLimits;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #open = new Map<string, number>();
  readonly #told = new BoundedCache<string, number>(MOST_TOLD);
  #isCounting = false;

  constructor(limits: () => WorkloadLimits, clock: Pick<Clock, 'now'>) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** True from the first limit on, and for ever then; connections that are open at that moment are to be counted with `count`. */
  begin(): boolean {
    if (this.#isCounting || this.#limits().connections.length === 0) return false;
    this.#isCounting = true;
    return true;
  }

  /** Counts a connection until it is closed, if there is room for it. */
  enter(socket: Socket, per: Per, source: string): ConnectionShortage | undefined {
    if (!this.#isCounting) return undefined;
    const name = `${per}\n${source}`;
    const count = this.#open.get(name) ?? 0;
    const limit = this.#limits().connections.find((each) => each.per === per && count >= each.max);
    if (limit === undefined) {
      this.count(socket, per, source);
      return undefined;
    }
    const who = source === '' ? 'plaintext callers have' : `${source} has`;
    const reason = `RateLimit ${limit.policy}: ${who} ${count} connections open, and ${limit.max} are the most`;
    return { reason, isNews: this.#isNews(name) };
  }

  /** Counts a connection until it is closed, room or not. */
  count(socket: Socket, per: Per, source: string): void {
    const name = `${per}\n${source}`;
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
    socket.once('close', () => {
      const left = (this.#open.get(name) ?? 0) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
    });
  }

  #isNews(name: string): boolean {
    const now = this.#clock.now();
    const told = this.#told.get(name);
    if (told !== undefined && now - told < TOLD_AGAIN_MS) return false;
    this.#told.set(name, now);
    return true;
  }
}
