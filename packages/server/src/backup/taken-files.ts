import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { copyDatabase } from '../storage/sqlite/copy.ts';
import { isThere } from '../trust/keys.ts';
import type { FileSource } from './contents.ts';

const DATABASE = 'rampart.db';
const CHECKPOINT = 'journal.checkpoint';
/** Name of the revocation file, in a backup and unless somebody says otherwise. */
export const REVOCATIONS = 'revocations.log';
const HEAD = 'keys/revocations.head';
const MOST_TRIES = 20;

export interface TakeOptions {
  /** Data directory. */
  readonly from: string;
  /** An empty directory. */
  readonly to: string;
  /** Where the revocation file is; in the data directory unless given. */
  readonly revocationFile: string | undefined;
}

/**
 * Copies of what a control plane starts from, while it may be at work. The order is that of their dependence: the checkpoint is
 * never ahead of the journal, and neither keys nor revocations are behind the database.
 */
export async function takeFiles({ from, to, revocationFile }: TakeOptions): Promise<FileSource[]> {
  await mkdir(join(to, 'keys'), { mode: 0o700 });
  const names = [DATABASE];
  if (await isThere(join(from, CHECKPOINT))) {
    await copyFile(join(from, CHECKPOINT), join(to, CHECKPOINT));
    names.push(CHECKPOINT);
  }
  copyDatabase(join(from, DATABASE), join(to, DATABASE));
  for (const name of await keyFiles(from)) {
    await copyFile(join(from, name), join(to, name));
    names.push(name);
  }
  await takeRevocations(revocationFile ?? join(from, REVOCATIONS), { from, to });
  return [...names, HEAD, REVOCATIONS].map((name) => ({ name, path: join(to, name) }));
}

async function keyFiles(from: string): Promise<string[]> {
  const entries = await readdir(join(from, 'keys'), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  // Drafts of files that are put in place whole end like that.
  return files.map(({ name }) => `keys/${name}`).filter((name) => name !== HEAD && !name.endsWith('.new'));
}

/** The file and its length, of one moment: it is written anew now and then. */
async function takeRevocations(
  path: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  let head = await readFile(join(from, HEAD));
  let log = await readFile(path).catch((cause: unknown) => {
    throw unknownRevocations(path, 'cannot be read', cause);
  });
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const again = await readFile(join(from, HEAD));
    if (again.equals(head)) break;
    head = again;
    log = await readFile(path);
  }
  await writeFile(join(to, HEAD), head, { mode: 0o600 });
  await writeFile(join(to, REVOCATIONS), log, { mode: 0o600 });
}

/** @param what The problem, to go on from the name of the file. */
export function unknownRevocations(path: string, what: string, cause?: unknown): RampartError {
  const advice = 'a backup without it would bring back what was revoked: say with --revocation-file where it is';
  return new RampartError('DATA_DIRECTORY_UNREADABLE', `the revocation file ${path} ${what}; ${advice}`, { cause });
}
