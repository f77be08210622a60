import type { Clock, Timer } from '@rampart/core';
import { Checkpoints, type Journal } from '@rampart/journal';
import type { KeyStore } from '@rampart/keyring';
import type { Logger } from '../log.ts';
import type { Database } from '../storage/database.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import type { Teardown } from '../teardown.ts';

export interface KeptCheckpointsOptions {
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

/**
 * Opens the checkpoints of the journal `<trust domain>/journal`, with a key of their own. One is signed at once, and every five
 * minutes while the journal grows.
 * @throws RampartError KEY_UNREADABLE, UPSTREAM_UNREACHABLE, STORAGE_FAILED.
 */
export async function keepCheckpoints(options: KeptCheckpointsOptions): Promise<Checkpoints> {
  const { database, keys, journal, trustDomain, clock, log, teardown } = options;
  const signer = (await keys.open(KEY_NAME)) ?? (await keys.create(KEY_NAME, 'ed25519'));
  const store = createCheckpointStore(database);
  const checkpoints = await Checkpoints.open({ journal, store, signer, origin: `${trustDomain}/journal`, clock });
  let timer: Timer | undefined;
  let isClosed = false;
  const run = async (): Promise<void> => {
    try {
      await checkpoints.sign();
    } catch (error) {
      if (!isClosed) log.error({ error }, 'no checkpoint of the journal was signed');
    }
    if (!isClosed) timer = clock.after(EVERY_MS, () => void run());
  };
  void run();
  teardown.add('checkpoints', () => {
    isClosed = true;
    timer?.cancel();
  });
  return checkpoints;
}
