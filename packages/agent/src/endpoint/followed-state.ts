import type { Random } from '@rampart/core';

import type { ChangeSignal } from '../change-signal.ts';

export interface FollowOptions<State> {
  readonly changes: ChangeSignal;
  readonly signal: AbortSignal;
  readonly splay: Splay;
  /**
   * Equal while nothing that is known could make the state another one, so that it need not be looked at; undefined when only a look
   * can say. A host hears of many changes that are about few of its processes.
   */
  outlook(): string | undefined;
  /** What is to be told now. What it throws ends the stream. */
  look(): Promise<State>;
  /** Equal for states that say the same. */
  digest(state: State): string;
}

/** The state as it is at once, then each time it is another one. */
export async function* followState<State>(options: FollowOptions<State>): AsyncGenerator<State> {
  const { changes, signal, splay } = options;
  using _listener = splay.join();
  let told: string | undefined;
  let lookedAt: string | undefined;
  for (;;) {
    const { version } = changes;
    const outlook = options.outlook();
    if (outlook === undefined || outlook !== lookedAt) {
      const state = await options.look();
      // What changed while it was looked at is another look.
      lookedAt = changes.version === version ? options.outlook() : undefined;
      const digest = options.digest(state);
      if (digest !== told) {
        told = digest;
        yield state;
      }
    }
    await changes.changed(version, signal);
    signal.throwIfAborted();
    await splay.pause(signal);
    signal.throwIfAborted();
  }
}

/** Milliseconds for each listener over which an update of all of them is spread. */
const SPREAD_MS = 2;
const LONGEST_MS = 1_000;

/** Spreads updates that are for many, so that they do not all ask for more at the same moment (SPIFFE_Workload_API.md §3). */
export class Splay {
  readonly #random: Random;
  #listeners = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  join(): Disposable {
    this.#listeners += 1;
    return {
      [Symbol.dispose]: () => {
        this.#listeners -= 1;
      },
    };
  }

  pause(signal: AbortSignal): Promise<void> {
    if (this.#listeners <= 1) return Promise.resolve();
    const most = Math.min((this.#listeners - 1) * SPREAD_MS, LONGEST_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(done, this.#random() * most);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}
