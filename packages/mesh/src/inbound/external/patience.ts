import type { Clock } from '@rampart/core';

/** Timers take no more; 24 days are as good as for ever. */
const LONGEST_MS = 2_147_483_647;

/** How long one check is waited for: until its provider's time is over, or nobody waits for it any more. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #end: () => void;

  constructor(milliseconds: number, caller: AbortSignal, clock: Clock) {
    const giveUp = (reason: string): void => this.#controller.abort(new Error(reason));
    const gone = (): void => giveUp('the caller went away');
    const timer = clock.after(Math.min(milliseconds, LONGEST_MS), () => giveUp(`no answer within ${milliseconds} ms`));
    caller.addEventListener('abort', gone);
    if (caller.aborted) gone();
    this.#end = () => {
      timer.cancel();
      caller.removeEventListener('abort', gone);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#end();
  }

  /** `work`, or a rejection with the reason as soon as patience is over. What comes after that is dropped. */
  async within<T>(work: Promise<T>): Promise<T> {
    let stop = (): void => {};
    const over = new Promise<never>((_resolve, reject) => {
      const abort = (): void => reject(reasonOf(this.signal));
      stop = () => this.signal.removeEventListener('abort', abort);
      this.signal.addEventListener('abort', abort);
      if (this.signal.aborted) abort();
    });
    try {
      return await Promise.race([work, over]);
    } finally {
      stop();
    }
  }
}

export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('nobody waits for an answer any more');
}
