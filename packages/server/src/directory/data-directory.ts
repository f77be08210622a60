import { access, constants, mkdir, rmdir } from 'node:fs/promises';
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
  /** Lets others have it, and removes it when nothing was put into it. */
  release(): Promise<void>;
}

/**
 * Makes the directory when it is missing (mode 0700) and takes hold of it.
 *
 * @throws RampartError DATA_DIRECTORY_UNREADABLE or DATA_DIRECTORY_LOCKED.
 */
export async function claimDataDirectory(path: string): Promise<DataDirectory> {
  const directory = resolve(path);
  const { created, lock } = await claim(directory);
  return {
    path: directory,
    database: join(directory, 'rampart.db'),
    keys: join(directory, 'keys'),
    checkpointFile: join(directory, 'journal.checkpoint'),
    caFile: join(directory, 'ca.pem'),
    adminTokenFile: join(directory, 'admin.token'),
    clientFile: join(directory, 'client.json'),
    release: async () => {
      await lock.release();
      if (created) {
        // Only an empty one goes: a start that failed leaves nothing behind, a control plane that ran leaves its state.
        await rmdir(directory).catch(() => undefined);
      }
    },
  };
}

async function claim(directory: string): Promise<{ readonly created: boolean; readonly lock: DirectoryLock }> {
  try {
    const created = await makeDirectory(directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return { created, lock: await lockDirectory(directory) };
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
