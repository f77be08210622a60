import { type Clock, RampartError, type Timer } from '@rampart/core';
import { type AnchorLoss, Checkpoints, type CheckpointStore, type Journal } from '@rampart/journal';
import type { KeyStore } from '@rampart/keyring';
import type { DataDirectory } from '../directory/data-directory.ts';
import type { Logger } from '../log.ts';
import type { Database } from '../storage/database.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import type { Teardown } from '../teardown.ts';
import { checkpointFile } from './checkpoint-file.ts';

export interface KeptCheckpointsOptions {
  readonly directory: Pick<DataDirectory, 'checkpointFile'>;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly journal: Journal;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly teardown: Teardown;
}

/** Name of the Ed25519 key in the key store. */
const KEY_NAME = 'journal';
const EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Which of the old ones stay: every one proves all that came before it, so that few of them are enough. */
const THINNED = [
  { after: DAY_MS, everyMs: HOUR_MS },
  { after: 30 * DAY_MS, everyMs: DAY_MS },
];

/**
 * Opens the checkpoints of the journal `<trust domain>/journal`, with a key of their own. One is signed at once, and every five
 * minutes while the journal grows, and a last one at the end. That of the greatest size stands in a file, too.
 * @throws RampartError KEY_UNREADABLE, UPSTREAM_UNREACHABLE, STORAGE_FAILED.
 */
export async function keepCheckpoints(options: KeptCheckpointsOptions): Promise<Checkpoints> {
  const { database, keys, journal, trustDomain, clock, log, teardown } = options;
  const signer = (await keys.open(KEY_NAME)) ?? (await keys.create(KEY_NAME, 'ed25519'));
  const store = createCheckpointStore(database);
  const anchor = checkpointFile(options.directory.checkpointFile);
  const origin = `${trustDomain}/journal`;
  const lost = (loss: AnchorLoss): Promise<unknown> => {
    const reason = `${loss.place} ${stateOf(loss)}, though ${loss.signed} entries were signed`;
    log.warn({ reason }, 'the checkpoint beside the database was taken away or put back; it is written anew');
    return journal.audit({
      eventType: 'JOURNAL_ANCHOR_LOST',
      identity: 'journal',
      result: 'FAILURE',
      details: { reason },
    });
  };
  const checkpoints = await Checkpoints.open({ journal, store, anchor, lost, signer, origin, clock });
  let timer: Timer | undefined;
  let isClosed = false;
  const refused = reportOnce(journal);
  const run = async (): Promise<void> => {
    try {
      await checkpoints.sign();
      await thin(store, clock.now());
    } catch (error) {
      if (!isClosed) log.error({ error }, 'no checkpoint of the journal was signed');
      if (!isClosed) await refused(error).catch(() => undefined);
    }
    if (!isClosed) timer = clock.after(EVERY_MS, () => void run());
  };
  void run();
  teardown.add('checkpoints', async () => {
    isClosed = true;
    timer?.cancel();
    // A journal that was refused was reported already.
    await checkpoints.sign().catch(() => undefined);
  });
  return checkpoints;
}

function stateOf({ kept }: AnchorLoss): string {
  return kept === undefined ? 'was missing' : `was of ${kept} entries`;
}

async function thin(store: CheckpointStore, now: number): Promise<void> {
  for (const { after, everyMs } of THINNED) await store.thin({ than: now - after, everyMs });
}

/** Whoever goes on with a journal that was changed, or put back, cannot do so without a record of it. */
function reportOnce(journal: Journal): (error: unknown) => Promise<void> {
  let isReported = false;
  return async (error) => {
    if (isReported || !(error instanceof RampartError) || error.code !== 'JOURNAL_INCONSISTENT') return;
    isReported = true;
    const details = { reason: error.message };
    await journal.audit({ eventType: 'JOURNAL_INCONSISTENT', identity: 'journal', result: 'FAILURE', details });
  };
}
