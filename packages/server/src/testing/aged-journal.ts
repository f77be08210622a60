import { join } from 'node:path';
import { type AuditEvent, Checkpoints, Journal } from '@rampart/journal';
import { FileKeyStore, fromKeyFile } from '@rampart/keyring';
import { claimDataDirectory } from '../directory/data-directory.ts';
import { openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';

const DAY_MS = 86_400_000;

/** What a control plane recorded in its life before a test. */
export interface AgedJournal {
  /** How long it has run. */
  readonly days: number;
  /** Unix milliseconds: the end of these days. */
  readonly until: number;
  /** On record each day, beside the issuance of a certificate that has ended. */
  readonly daily: readonly AuditEvent[];
}

/** Makes a data directory as a control plane leaves it that has run for days, with its journal signed each day. */
export async function writeAgedJournal(path: string, { days, until, daily }: AgedJournal): Promise<void> {
  const directory = await claimDataDirectory(path);
  const keyEncryptionKey = await fromKeyFile(join(directory.keys, 'master.key'));
  const keys = new FileKeyStore({ directory: directory.keys, keyEncryptionKey });
  const signer = await keys.create('journal', 'ed25519');
  const database = await openDatabase(sqliteEngine(directory.database));
  let now = until - days * DAY_MS;
  const clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
  const journal = await Journal.open(createJournalStore(database), clock);
  const store = createCheckpointStore(database);
  const checkpoints = await Checkpoints.open({ journal, store, signer, origin: 'cluster.local/journal', clock });
  for (let day = 0; day < days; day += 1) {
    const issuance = {
      event_type: 'CERTIFICATE_ISSUED',
      serial: (day + 1).toString(16).padStart(8, '0'),
      kind: 'server',
      spiffe_id: 'spiffe://cluster.local/ns/istio-system/sa/rampart-server',
      issuer: 'before',
      reason: 'server',
      issued_at: now,
      not_before: now,
      not_after: now + DAY_MS,
    };
    await Promise.all([...daily.map((event) => journal.audit(event)), journal.append('ledger', issuance)]);
    await checkpoints.sign();
    now += DAY_MS;
  }
  await journal.settle();
  await database.close();
  directory.keep();
  await directory.release();
}
