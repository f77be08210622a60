import { readdir, stat } from 'node:fs/promises';
import { RampartError } from '@rampart/core';
import type { DataDirectory } from './data-directory.ts';

type Directory = Pick<DataDirectory, 'database' | 'keys' | 'checkpointFile' | 'revocationFile'>;

/**
 * Refuses a start that would make a new mesh out of what is left of another: every workload would lose its trust, and nobody would know
 * any more what was revoked. The database is written before anything else, so that a first start that was killed leaves nothing like it.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE when the database is missing or empty, and keys or records are not.
 */
export async function refuseLostDatabase(directory: Directory): Promise<void> {
  const size = await sizeOf(directory.database);
  if (size === undefined) await refuseRemains(directory, 'is missing');
  if (size === 0) await refuseRemains(directory, 'is empty');
}

/** The same where the file is there and has no tables: its write-ahead log was lost before anything of it was written back. */
export function refuseLostTables(directory: Directory): Promise<void> {
  return refuseRemains(directory, 'holds nothing');
}

async function refuseRemains(directory: Directory, what: string): Promise<void> {
  const remains = await remainsOf(directory);
  if (remains === undefined) return;
  throw new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `${directory.database} ${what}, but its mesh left ${remains}: put the database back, or make the mesh anew from a backup in another directory (rampart restore FILE --data DIR); a new mesh, which shares nothing with this one, begins in an empty directory (rampart up --data DIR)`,
  );
}

async function remainsOf({ keys, checkpointFile, revocationFile }: Directory): Promise<string | undefined> {
  const kept = await readdir(keys).catch(() => []);
  if (kept.length > 0) return keys;
  for (const file of [checkpointFile, revocationFile]) {
    if ((await sizeOf(file)) !== undefined) return file;
  }
  return undefined;
}

/** Bytes; undefined where there is no such file. What cannot be looked at is told by whoever opens it. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? undefined : Number.NaN;
  }
}
