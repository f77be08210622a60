import { type Clock, type RetentionSetting, retentionDays, type Timer } from '@rampart/core';
import { type Checkpoints, type Journal, Retention } from '@rampart/journal';
import type { Logger } from '../log.ts';
import type { Database } from '../storage/database.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import type { Teardown } from '../teardown.ts';

export interface KeptRetentionOptions {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly log: Logger;
  readonly teardown: Teardown;
  /** What is set now. */
  settings(): readonly RetentionSetting[] | undefined;
}

const EVERY_MS = 3_600_000;

/**
 * Lets records expire once an hour, the first time an hour after the start: a clock that was wrong then has been set by now. An hour
 * in which the clock jumped does not count.
 */
export function keepRetention({ settings, ...options }: KeptRetentionOptions): void {
  const { database, clock, log, teardown } = options;
  const store = createJournalStore(database);
  const moments = createCheckpointStore(database);
  const retention = new Retention({ ...options, store, moments, days: () => retentionDays(settings()) });
  const stopping = new AbortController();
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();
  const sweep = async (begunAt: number): Promise<void> => {
    const passed = clock.now() - begunAt;
    if (passed < 0 || passed > 2 * EVERY_MS) {
      log.warn({ seconds: Math.round(passed / 1000) }, 'the clock jumped within an hour: no record expires now');
      return;
    }
    const records = await retention.sweep(stopping.signal);
    if (records > 0) log.info({ records }, 'records of the audit record expired');
  };
  const wait = (): void => {
    const begunAt = clock.now();
    timer = clock.after(EVERY_MS, () => {
      running = sweep(begunAt)
        .catch((error: unknown) => log.error({ error }, 'records could not expire'))
        .finally(() => {
          if (!stopping.signal.aborted) wait();
        });
    });
  };
  wait();
  teardown.add('retention of records', async () => {
    stopping.abort();
    timer?.cancel();
    await running;
  });
}
