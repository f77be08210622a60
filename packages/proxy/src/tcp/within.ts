import type { Clock } from '@rampart/core';

export interface Patience {
  readonly clock: Clock;
  readonly milliseconds: number;
  /** Gives up earlier. */
  readonly signal: AbortSignal;
}

/** Does what has to be done within some time: `work` is told when to give up, by a signal, and is to reject then. */
export async function within<T>(
  { clock, milliseconds, signal }: Patience,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = clock.after(milliseconds, () => late.abort(new Error(`no connection within ${milliseconds} ms`)));
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    timer.cancel();
  }
}
