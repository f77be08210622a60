import { join } from 'node:path';
import { type Clock, RampartError } from '@rampart/core';
import { type AuditEvent, Journal, type JournalEntry, type VerifierKey } from '@rampart/journal';
import { openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import { type Manifest, openManifest } from './manifest.ts';

/** Who had a backup made, where the record is to say more than that it was the owner of the data directory. */
export interface BackupCaller {
  readonly name: string;
  readonly sourceIp?: string;
}

/** Puts a backup on record. Throws INVALID_BACKUP for a manifest that this control plane's key has not signed. */
export function recordBackup(
  note: string,
  { key, journal }: { readonly key: VerifierKey; readonly journal: Pick<Journal, 'audit'> },
  { name, sourceIp }: BackupCaller,
): Promise<JournalEntry> {
  const manifest = openManifest(note, key);
  if (!manifest.ok) throw new RampartError('INVALID_BACKUP', `this manifest of a backup ${manifest.problem}`);
  return journal.audit({
    eventType: 'BACKUP_CREATED',
    identity: name,
    ...(sourceIp === undefined ? {} : { sourceIp }),
    result: 'SUCCESS',
    details: factsOf(manifest.value),
  });
}

/** The same where no control plane is running; the caller holds the directory. */
export async function recordInDirectory(
  note: string,
  key: VerifierKey,
  { directory, clock }: { readonly directory: string; readonly clock: Clock },
): Promise<void> {
  const database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
  try {
    const journal = await Journal.open(createJournalStore(database), clock);
    await recordBackup(note, { key, journal }, { name: 'operator' });
    await journal.settle();
  } finally {
    await database.close();
  }
}

/** What a record says of a backup. */
export function factsOf({ at, journal, files }: Manifest): NonNullable<AuditEvent['details']> {
  const database = files.find(({ name }) => name === 'rampart.db');
  return {
    made_at: new Date(at).toISOString(),
    journal_entries: journal.size,
    journal_root: journal.root,
    database_sha256: database?.sha256 ?? '',
  };
}
