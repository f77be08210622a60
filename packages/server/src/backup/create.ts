import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, RampartError } from '@rampart/core';
import { type VerifierKey, verifierKeyOf } from '@rampart/journal';
import { type ScryptCost, sealStream } from '@rampart/keyring';
import { type DirectoryLock, lockDirectory } from '../directory/directory-lock.ts';
import { epochFileProblem } from '../revocation/epoch-file.ts';
import { isThere, type Keys, type KeySource } from '../trust/keys.ts';
import { contentsOf, type FileSource, measure } from './contents.ts';
import { onDisk } from './disk.ts';
import { judgeCopy } from './journal-of-copy.ts';
import { journalSigner, openPresentKeys } from './keys.ts';
import { type Manifest, signManifest, trustDomainOf } from './manifest.ts';
import { recordInDirectory } from './record.ts';
import { takeScratch } from './scratch.ts';
import { REVOCATIONS, takeFiles, unknownRevocations } from './taken-files.ts';

/** What backups are sealed for. */
export const CONTEXT = 'backup';

export interface NewBackup {
  /** Data directory of the control plane, which may be running. */
  readonly directory: string;
  /** A file that is not there yet. */
  readonly out: string;
  /** Of the backup. */
  readonly passphrase: string;
  readonly keys: KeySource;
  /** Of the passphrase, in time and memory; the keyring's own unless given. */
  readonly cost?: ScryptCost;
  /** Where revocations are kept; in the data directory unless given. */
  readonly revocationFile?: string;
  readonly clock: Clock;
  /** Has the control plane that is running put the signed manifest on its record. */
  record(note: string): Promise<unknown>;
}

export interface CreatedBackup {
  readonly manifest: Manifest;
  /** Bytes of the file. */
  readonly size: number;
}

/**
 * Writes a backup to a new file, mode 0600, that is there whole and on the audit record, or not at all.
 * @throws RampartError NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT (passphrase), KEY_UNREADABLE, JOURNAL_INCONSISTENT when the
 *   journal is not what was signed, STORAGE_FAILED, and what `record` throws.
 */
export async function createBackup(wanted: NewBackup): Promise<CreatedBackup> {
  const { directory, out, keys: source } = wanted;
  if (!(await isThere(join(directory, 'rampart.db')))) {
    throw new RampartError('NOT_FOUND', `${directory} is no data directory of a control plane; name it with --data`);
  }
  if (await isThere(out)) throw existing(out);
  const lock = await lockIfFree(directory);
  try {
    const keys = await openPresentKeys(directory, source);
    try {
      const signer = await journalSigner(keys, directory);
      const key = verifierKeyOf(await originOf(directory), signer.publicKeyDer);
      const recorded = lock === undefined ? wanted.record : (note: string) => recordInDirectory(note, key, wanted);
      const { keyEncryptionKey } = keys;
      const maker = { key, keyEncryptionKey, sign: (manifest: Manifest) => signManifest(manifest, signer) };
      return await onDisk(directory, () => take({ ...wanted, record: recorded }, maker));
    } finally {
      await keys.close();
    }
  } finally {
    await lock?.release();
  }
}

interface Maker extends Pick<Keys, 'keyEncryptionKey'> {
  readonly key: VerifierKey;
  sign(manifest: Manifest): Promise<string>;
}

async function take(wanted: NewBackup, maker: Maker): Promise<CreatedBackup> {
  const { key } = maker;
  const { directory, revocationFile, clock } = wanted;
  const scratch = await takeScratch(join(directory, 'backup.tmp'));
  try {
    const at = clock.now();
    const sources = await takeFiles({ from: directory, to: scratch.path, revocationFile });
    await demandRevocations(scratch.path, revocationFile ?? join(directory, REVOCATIONS), maker);
    const journal = await judgeCopy(join(scratch.path, 'rampart.db'), key);
    if (!journal.ok) {
      throw new RampartError(
        'JOURNAL_INCONSISTENT',
        `nothing is backed up, because the copy ${journal.problem}; find what was changed with: rampart audit verify`,
      );
    }
    const files = [];
    for (const source of sources) files.push(await measure(source));
    const manifest = { key, at, journal: journal.value, files };
    return { manifest, size: await writeSealed(wanted, await maker.sign(manifest), sources) };
  } finally {
    await scratch.remove();
  }
}

/** Throws DATA_DIRECTORY_UNREADABLE unless the copy of the revocation file is the one that the control plane wrote last. */
async function demandRevocations(copy: string, path: string, { key, keyEncryptionKey }: Maker): Promise<void> {
  const problem = await epochFileProblem({
    path: join(copy, REVOCATIONS),
    keyPath: join(copy, 'keys', 'revocations.key'),
    headPath: join(copy, 'keys', 'revocations.head'),
    keyEncryptionKey,
    trustDomain: trustDomainOf(key),
  });
  if (problem !== undefined) throw unknownRevocations(path, problem);
}

async function writeSealed(
  { out, passphrase, record, cost }: NewBackup,
  note: string,
  sources: readonly FileSource[],
): Promise<number> {
  const draft = `${out}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(
        sealStream(contentsOf(note, sources), {
          passphrase,
          context: CONTEXT,
          ...(cost === undefined ? {} : { cost }),
        }),
      );
      await file.sync();
    } finally {
      await file.close();
    }
    await record(note);
    await link(draft, out);
    await syncDirectory(dirname(out));
    return (await stat(out)).size;
  } catch (cause) {
    if (cause instanceof RampartError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') throw existing(out);
    throw new RampartError('STORAGE_FAILED', `${out} cannot be written; check its directory and its disk`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Undefined while a control plane is at work there. */
async function lockIfFree(directory: string): Promise<DirectoryLock | undefined> {
  try {
    return await lockDirectory(directory);
  } catch (error) {
    if (error instanceof RampartError && error.code === 'DATA_DIRECTORY_LOCKED') return undefined;
    throw error;
  }
}

/** Name of the journal, as its last checkpoint has it. */
async function originOf(directory: string): Promise<string> {
  const path = join(directory, 'journal.checkpoint');
  const [origin = ''] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  if (origin !== '') return origin;
  throw new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `${path} is missing, so that nobody knows what was signed; start the control plane once, it writes it`,
  );
}

function existing(out: string): RampartError {
  return new RampartError('ALREADY_EXISTS', `${out} is there already; name another file`);
}
