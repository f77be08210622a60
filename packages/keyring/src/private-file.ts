import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RampartError } from '@rampart/core';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const OTHERS = 0o077;

/** What is kept in these files is keys and their parameters, a few hundred bytes each. */
const MAX_BYTES = 64 * 1024;

/**
 * The bytes of a file that only its owner can get at; undefined when it is not there.
 * @throws RampartError KEY_UNREADABLE when others may read or change it, it is too large or no regular file, or reading fails.
 */
export async function readPrivateFile(path: string): Promise<Uint8Array | undefined> {
  const handle = await openToRead(path);
  if (handle === undefined) return undefined;
  try {
    await checkPrivate(handle, path);
    return new Uint8Array(await handle.readFile());
  } catch (error) {
    throw error instanceof RampartError
      ? error
      : unreadableFile(path, 'cannot be read; check the disk it is on', error);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a new file, mode 0600, that is either there whole or not there at all, whatever crashes; durable before this returns.
 * Gives false, and changes nothing, when the file exists. Missing directories are made, mode 0700.
 * @throws RampartError STORAGE_FAILED.
 */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await makeDirectory(directory);
    const created = await writeThenLink(temporary, path, bytes);
    await syncDirectory(directory);
    return created;
  } catch (error) {
    throw new RampartError(
      'STORAGE_FAILED',
      `key file ${path} cannot be written; check that its directory is writable and has room`,
      {
        cause: error,
      },
    );
  }
}

/** A file of keys that cannot be used: `what` says why and what to do. */
export function unreadableFile(path: string, what: string, cause?: unknown): RampartError {
  return new RampartError('KEY_UNREADABLE', `key file ${path} ${what}`, { cause });
}

async function openToRead(path: string): Promise<FileHandle | undefined> {
  try {
    // Without O_NONBLOCK, opening a pipe that somebody put in the file's place would wait for ever.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw unreadableFile(path, 'cannot be opened; check that the user who runs Rampart owns it', error);
  }
}

/** Asked of the open file, not of its path, so that nothing can be swapped in between. */
async function checkPrivate(handle: FileHandle, path: string): Promise<void> {
  const status = await handle.stat();
  if (!status.isFile()) throw unreadableFile(path, 'is not a regular file; put the key file back in its place');
  if ((status.mode & OTHERS) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
    throw unreadableFile(path, `can be accessed by other users (mode ${mode}); run: chmod 600 ${path}`);
  }
  if (status.size > MAX_BYTES)
    throw unreadableFile(path, `is larger than ${MAX_BYTES} bytes; restore it from a backup`);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', OWNER_ONLY_FILE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeThenLink(temporary: string, path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeDurably(temporary, bytes);
    return await linkUnlessExists(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Unlike a rename, a link never replaces what is there: of two that create the same key, one learns that it came second. */
async function linkUnlessExists(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The names of new directories are as much in need of a sync as those of new files. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  if (first === undefined) return;
  const above = dirname(first);
  for (let parent = dirname(path); parent.length >= above.length; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === dirname(parent)) return;
  }
}

/** The name of a new file is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
