import { access, constants, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';

/** The one directory in which a control plane keeps everything, held by this process. */
export interface DataDirectory {
  readonly path: string;
  readonly database: string;
  readonly keys: string;
  /** The last checkpoint of the journal, apart from the database. */
  readonly checkpointFile: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
  readonly clientFile: string;
  readonly revocationFile: string;
  /** A file elsewhere that this start makes. */
  adds(file: string): void;
  /** The start has come so far that everything stays from now on. */
  keep(): void;
  /** Lets others have it; what a first start put there goes, unless it was to be kept. */
  release(): Promise<void>;
}

/**
 * Makes the directory when it is missing (mode 0700) and takes hold of it.
 *
 * @throws RampartError DATA_DIRECTORY_UNREADABLE or DATA_DIRECTORY_LOCKED.
 */
export async function claimDataDirectory(path: string): Promise<DataDirectory> {
  const directory = resolve(path);
  const { created, isEmpty, lock } = await claim(directory);
  const files = filesOf(directory);
  const elsewhere: string[] = [];
  let isKept = !isEmpty;
  return {
    path: directory,
    ...files,
    adds: (file) => void elsewhere.push(file),
    keep: () => (isKept = true),
    release: async () => {
      if (!isKept) await discard(files, elsewhere);
      await lock.release();
      if (created) {
        // Only an empty one goes: a start that failed leaves nothing behind, a control plane that ran leaves its state.
        await rmdir(directory).catch(() => undefined);
      }
    },
  };
}

type Files = Pick<
  DataDirectory,
  'database' | 'keys' | 'checkpointFile' | 'caFile' | 'adminTokenFile' | 'clientFile' | 'revocationFile'
>;

function filesOf(directory: string): Files {
  return {
    database: join(directory, 'rampart.db'),
    keys: join(directory, 'keys'),
    checkpointFile: join(directory, 'journal.checkpoint'),
    caFile: join(directory, 'ca.pem'),
    adminTokenFile: join(directory, 'admin.token'),
    clientFile: join(directory, 'client.json'),
    revocationFile: join(directory, 'revocations.log'),
  };
}

/** The database goes last: without it, whatever is left of the others would be taken for the rest of a mesh. */
async function discard({ database, ...others }: Files, elsewhere: readonly string[]): Promise<void> {
  for (const path of [...Object.values(others), ...elsewhere]) await rm(path, { recursive: true, force: true });
  for (const part of ['-wal', '-shm', '']) await rm(`${database}${part}`, { force: true });
}

interface Claim {
  readonly created: boolean;
  /** But for the lock. */
  readonly isEmpty: boolean;
  readonly lock: DirectoryLock;
}

async function claim(directory: string): Promise<Claim> {
  try {
    const created = await makeDirectory(directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const lock = await lockDirectory(directory);
    return { created, isEmpty: (await readdir(directory)).length === 1, lock };
  } catch (cause) {
    if (cause instanceof RampartError) {
      throw cause;
    }
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new RampartError(
      'DATA_DIRECTORY_UNREADABLE',
      `data directory ${directory} cannot be used (${why}); make it a directory that this user may read and write, or choose another`,
      { cause },
    );
  }
}

/**
 * Makes a directory and its missing parents; false when it was there. One by one, because Node's own recursive form never
 * ends where a file system refuses a new entry with ENOENT, as /proc does.
 */
async function makeDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return true;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EEXIST') return false;
    const parent = dirname(directory);
    if (code !== 'ENOENT' || parent === directory || !(await makeDirectory(parent))) throw cause;
    await mkdir(directory, { mode: 0o700 });
    return true;
  }
}
