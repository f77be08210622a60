import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { lockDirectory } from '../directory/directory-lock.ts';

const LOCK = 'lock';

/** A directory for what is not finished. */
export interface Scratch {
  readonly path: string;
  /** Nobody's any more, but there. */
  release(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Takes a directory (mode 0700) for work that may be cut off, empty: what a dead process left in it goes.
 * @throws RampartError DATA_DIRECTORY_LOCKED when another process works there, STORAGE_FAILED.
 */
export async function takeScratch(path: string): Promise<Scratch> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const lock = await lockDirectory(path);
    for (const name of await readdir(path)) {
      if (name !== LOCK) await rm(join(path, name), { recursive: true, force: true });
    }
    return {
      path,
      release: () => lock.release(),
      remove: () => rm(path, { recursive: true, force: true }),
    };
  } catch (cause) {
    if (cause instanceof RampartError) throw cause;
    throw new RampartError('STORAGE_FAILED', `${path} cannot be made; check its directory's owner and disk`, { cause });
  }
}
