import type { Clock, Timer } from '@rampart/core';
import type { AccessLogStore } from './store.ts';

export interface AccessLogRetention {
  readonly days: number;
  readonly bytes: number;
}

export interface RetentionOptions {
  readonly store: AccessLogStore;
  readonly clock: Clock;
  readonly keep: AccessLogRetention;
  failed(error: unknown): void;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const PERIOD_MS = 60_000;

/** Drops the oldest access logs, again and again, until it is stopped. Returns how to stop it. */
export function keepWithinRetention({ store, clock, keep, failed }: RetentionOptions): () => Promise<void> {
  let timer: Timer | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;
  const run = (): void => {
    const receivedBefore = clock.now() - keep.days * DAY_MS;
    running = store
      .prune({ receivedBefore, keepBytes: keep.bytes })
      .catch(failed)
      .then(() => {
        timer = stopped ? undefined : clock.after(PERIOD_MS, run);
      });
  };
  timer = clock.after(PERIOD_MS, run);
  return async () => {
    stopped = true;
    timer?.cancel();
    await running;
  };
}
