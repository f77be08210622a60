import { mkdir, open, readdir, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, RampartError } from '@rampart/core';
import { Journal } from '@rampart/journal';
import { checkpointFile } from '../ledger/checkpoint-file.ts';
import { adoptNewerRevocations } from '../revocation/adopted-epoch.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createCheckpointStore } from '../storage/stores/checkpoint-store.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import type { KeySource } from '../trust/keys.ts';
import { syncDirectory } from './create.ts';
import { onDisk } from './disk.ts';
import { openPresentKeys } from './keys.ts';
import { type Manifest, trustDomainOf } from './manifest.ts';
import { beginNewHistory } from './new-history.ts';
import { type BackupReading, readBackup } from './read.ts';
import { factsOf } from './record.ts';
import { type Scratch, takeScratch } from './scratch.ts';
import { demandJournal } from './verify.ts';

export interface Restoration extends BackupReading {
  /** Empty, or not there. */
  readonly directory: string;
  /** The newest copy of the revocation file, which knows what was revoked since. */
  readonly revocations?: string;
  readonly keys: Pick<KeySource, 'keyPassphrase'>;
  /** API tokens go on, those that were revoked since among them. */
  readonly keepApiTokens: boolean;
  readonly clock: Clock;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Bearer tokens that ended with it. */
  readonly ended: { readonly apiTokens: number; readonly joinTokens: number };
}

/**
 * Puts a backup into a data directory: whole, or not at all, whatever dies meanwhile. It is made beside it, under the same name with
 * ".restoring", and takes its place in one step.
 * @throws RampartError ALREADY_EXISTS when the directory holds anything, INVALID_ARGUMENT when a disk is mounted there, NOT_FOUND, INVALID_BACKUP, DATA_DIRECTORY_LOCKED when
 *   another one is restoring, DATA_DIRECTORY_UNREADABLE for a revocation file that is not of this control plane, KEY_UNREADABLE,
 *   STORAGE_FAILED.
 */
export function restoreBackup(wanted: Restoration): Promise<Restored> {
  return onDisk(wanted.directory, async () => {
    // A link to an empty directory stays one.
    const directory = await realpath(wanted.directory).catch(() => wanted.directory);
    return restore({ ...wanted, directory });
  });
}

async function restore(wanted: Restoration): Promise<Restored> {
  const { directory } = wanted;
  await demandEmpty(directory);
  await mkdir(dirname(directory), { recursive: true });
  const scratch = await takeScratch(`${directory}.restoring`);
  try {
    const manifest = await unpack(wanted, scratch.path);
    await demandJournal(join(scratch.path, 'rampart.db'), manifest, wanted.file);
    const { revocations } = wanted;
    if (revocations !== undefined) await adopt(revocations, manifest, { ...wanted, at: scratch.path });
    const ended = await begin(manifest, { ...wanted, at: scratch.path });
    await putInPlace(scratch, directory);
    return { manifest, ended };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

async function unpack(wanted: Restoration, to: string): Promise<Manifest> {
  await mkdir(join(to, 'keys'), { mode: 0o700 });
  return readBackup(wanted, async ({ name }, pieces) => {
    const file = await open(join(to, name), 'wx', 0o600);
    try {
      await file.writeFile(pieces);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

interface Place {
  /** Directory in which it is put together. */
  readonly at: string;
}

async function adopt(revocations: string, { key }: Manifest, { at, keys }: Restoration & Place): Promise<void> {
  const opened = await openPresentKeys(at, { keyPassphrase: keys.keyPassphrase, keyService: undefined });
  try {
    await adoptNewerRevocations({
      newer: revocations,
      path: join(at, 'revocations.log'),
      keyPath: join(at, 'keys', 'revocations.key'),
      headPath: join(at, 'keys', 'revocations.head'),
      keyEncryptionKey: opened.keyEncryptionKey,
      trustDomain: trustDomainOf(key),
    });
  } finally {
    await opened.close();
  }
}

/** The record of what was done, and the end of what may have been revoked or used since. */
async function begin(
  manifest: Manifest,
  { at, clock, keepApiTokens, revocations }: Restoration & Place,
): Promise<Restored['ended']> {
  const database = await openDatabase(sqliteEngine(join(at, 'rampart.db')));
  try {
    const ended = await endTokens(database, keepApiTokens);
    await beginNewHistory(database, clock.now());
    await keepLastCheckpoint(database, at);
    const journal = await Journal.open(createJournalStore(database), clock);
    await journal.audit({
      eventType: 'BACKUP_RESTORED',
      identity: 'operator',
      result: 'SUCCESS',
      details: {
        ...factsOf(manifest),
        api_tokens_ended: ended.apiTokens,
        join_tokens_ended: ended.joinTokens,
        revocation_file: revocations === undefined ? 'of the backup' : 'newer',
      },
    });
    await journal.settle();
    return ended;
  } finally {
    await database.close();
  }
}

/** That of the backup is from before its database was copied, and one may have been signed in between. */
async function keepLastCheckpoint(database: Database, at: string): Promise<void> {
  const latest = await createCheckpointStore(database).latest();
  if (latest !== undefined) await checkpointFile(join(at, 'journal.checkpoint')).write(latest.note);
}

/** Tokens that were revoked, or used, after the backup was made would be good again. */
function endTokens({ writer }: Database, keepApiTokens: boolean): Promise<Restored['ended']> {
  return writer.write(async (transaction) => {
    const joinTokens = await transaction.deleteFrom('join_tokens').where('used_at', 'is', null).executeTakeFirst();
    const apiTokens = keepApiTokens ? undefined : await transaction.deleteFrom('api_tokens').executeTakeFirst();
    return { joinTokens: Number(joinTokens.numDeletedRows), apiTokens: Number(apiTokens?.numDeletedRows ?? 0n) };
  });
}

async function putInPlace(scratch: Scratch, directory: string): Promise<void> {
  await syncDirectory(join(scratch.path, 'keys'));
  await scratch.release();
  await syncDirectory(scratch.path);
  try {
    // Over an empty directory or none; anything in it, and this fails.
    await rename(scratch.path, directory);
  } catch (cause) {
    const isMounted = cause instanceof Error && 'code' in cause && cause.code === 'EBUSY';
    throw isMounted ? mounted(directory, cause) : occupied(directory, cause);
  }
  await syncDirectory(dirname(directory));
}

async function demandEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw occupied(directory, cause);
  });
  if (names.length > 0) throw occupied(directory);
  const [own, above] = await Promise.all(
    [directory, dirname(directory)].map((path) => stat(path).catch(() => undefined)),
  );
  if (own !== undefined && own.dev !== above?.dev) throw mounted(directory);
}

function mounted(directory: string, cause?: unknown): RampartError {
  const text = `a disk is mounted at ${directory}, and nothing can take its place in one step: name a new directory in it, such as ${join(directory, 'data')}`;
  return new RampartError('INVALID_ARGUMENT', text, { cause });
}

function occupied(directory: string, cause?: unknown): RampartError {
  return new RampartError(
    'ALREADY_EXISTS',
    `${directory} is not an empty directory; a backup is restored into an empty one: name another, or move what is there away`,
    { cause },
  );
}
