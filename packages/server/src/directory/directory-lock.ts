import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { isRunning, type ProcessMark, readOwnMark } from './process-mark.ts';

const ATTEMPTS = 5;

/** Holds a data directory for this process. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the data directory, or says who has it. A lock whose process is gone (killed, machine restarted) is taken over.
 *
 * @throws RampartError DATA_DIRECTORY_LOCKED, naming the process that holds it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'lock');
  const mark = await readOwnMark();
  const text = `${JSON.stringify(mark)}\n`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await createLock(path, text)) {
      return { release: () => releaseLock(path, text) };
    }
    await removeStaleLock(path, directory);
  }
  throw locked(directory, undefined);
}

/** Creates the lock with its content in one step: nobody ever reads a lock that is half written. */
async function createLock(path: string, text: string): Promise<boolean> {
  const draft = draftOf(path);
  try {
    await writeFile(draft, text, { flag: 'w', mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      return false;
    }
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function removeStaleLock(path: string, directory: string): Promise<void> {
  const text = await readLock(path);
  if (text === undefined) {
    return;
  }
  const holder = parseMark(text);
  if (holder !== undefined && (await isRunning(holder))) {
    throw locked(directory, holder);
  }
  const aside = `${draftOf(path)}.stale`;
  await rename(path, aside).catch(ignoreMissing);
  // Between reading and renaming another process may have taken the stale lock over: then its lock goes back.
  if ((await readLock(aside)) !== text) {
    await link(aside, path).catch(() => undefined);
  }
  await rm(aside, { force: true });
}

async function releaseLock(path: string, text: string): Promise<void> {
  if ((await readLock(path)) === text) {
    await rm(path, { force: true });
  }
}

async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    ignoreMissing(error);
    return undefined;
  }
}

function parseMark(text: string): ProcessMark | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'pid' in value && 'started' in value) {
      return { pid: Number(value.pid), started: String(value.started) };
    }
  } catch {
    // A lock that nobody can read belongs to nobody.
  }
  return undefined;
}

function locked(directory: string, holder: ProcessMark | undefined): RampartError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new RampartError(
    'DATA_DIRECTORY_LOCKED',
    `data directory ${directory} is in use by ${who}; stop it first or choose another directory`,
  );
}

function draftOf(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}`;
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') {
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
