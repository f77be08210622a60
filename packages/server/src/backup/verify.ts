import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDisk } from './disk.ts';
import { judgeCopy } from './journal-of-copy.ts';
import type { Manifest } from './manifest.ts';
import { type BackupReading, drain, readBackup } from './read.ts';
import { refused } from './refusal.ts';

/**
 * Reads a whole backup, recomputes the journal in it, and holds both against the signatures. The database is unpacked for that
 * in a directory of the system's for temporary files (mode 0700), and removed; keys never are.
 * @throws RampartError NOT_FOUND, INVALID_BACKUP, STORAGE_FAILED.
 */
export function verifyBackup(reading: BackupReading): Promise<Manifest> {
  return onDisk(tmpdir(), () => verifyIn(tmpdir(), reading));
}

async function verifyIn(place: string, reading: BackupReading): Promise<Manifest> {
  const directory = await mkdtemp(join(place, 'rampart-verify-'));
  try {
    const database = join(directory, 'rampart.db');
    const manifest = await readBackup(reading, ({ name }, pieces) =>
      name === 'rampart.db' ? writeFile(database, pieces, { mode: 0o600 }) : drain(pieces),
    );
    await demandJournal(database, manifest, reading.file);
    return manifest;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Throws INVALID_BACKUP unless the journal of this database is the one that was signed. */
export async function demandJournal(database: string, manifest: Manifest, file: string): Promise<void> {
  const head = await judgeCopy(database, manifest.key);
  if (!head.ok) throw refused(file, head.problem);
  if (head.value.size === manifest.journal.size && head.value.root === manifest.journal.root) return;
  throw refused(file, 'has another journal than it says');
}
