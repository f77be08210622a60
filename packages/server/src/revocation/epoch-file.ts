import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RevocationAct, RevocationEpoch } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import { type KeyEncryptionKey, openSealedSecret } from '@rampart/keyring';
import { writeFileAtomically } from '../directory/atomic-file.ts';
import { type ChainHead, type Compaction, EpochChain, type SoundLines } from './epoch-chain.ts';

export interface EpochFileOptions {
  readonly path: string;
  /** Where the key that seals the file is kept, sealed itself; and how long the file was last. */
  readonly keyPath: string;
  readonly headPath: string;
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly trustDomain: string;
  /** What a new file begins with: what was revoked before there was one. */
  earlier(): Promise<readonly RevocationAct[]>;
  /** Something else remembers that there was a file: that there is none is no beginning. */
  isExpected(): Promise<boolean>;
  /** An operator says that the file is lost, and a new one is to be begun in its place. */
  readonly isLost?: boolean;
  /** The last line was not whole: its writer died, and its revocation was never answered. */
  dropped(bytes: number): void;
}

/** A revocation epoch in a file of its own. */
export interface EpochFile extends RevocationEpoch {
  close(): Promise<void>;
}

const OWNER_ONLY = 0o600;

/**
 * Opens the revocation file, or begins it where there never was one. Every line is sealed, and so is how many there are, in
 * another place: a file that was cut, edited, exchanged or lost is noticed.
 * @throws RampartError DATA_DIRECTORY_UNREADABLE when it is missing or damaged; KEY_UNREADABLE; STORAGE_FAILED.
 */
export async function openEpochFile(options: EpochFileOptions): Promise<EpochFile> {
  const { keyPath, keyEncryptionKey: kek, trustDomain, path } = options;
  const { secret, isNew } = await openSealedSecret(keyPath, { kek, context: `revocations:${trustDomain}` });
  const chain = new EpochChain(secret, trustDomain);
  const known = await readUnlessMissing(path);
  if (known !== undefined) return reopen(chain, options, known);
  const head = await readUnlessMissing(options.headPath);
  const wasThere = (!isNew && head !== undefined) || (await options.isExpected());
  if (wasThere && options.isLost !== true) throw unusable(path, 'is missing');
  return begin(chain, options);
}

async function begin(chain: EpochChain, options: EpochFileOptions): Promise<EpochFile> {
  const { path, headPath } = options;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const acts = await options.earlier();
  const { text, head } = chain.text(acts);
  await writeFileAtomically(path, { text, mode: OWNER_ONLY });
  await writeFileAtomically(headPath, { text: chain.headText(head), mode: OWNER_ONLY });
  return SealedEpochFile.open(chain, options, { acts, head, length: Buffer.byteLength(text), forgottenBefore: 0 });
}

async function reopen(chain: EpochChain, options: EpochFileOptions, bytes: Uint8Array): Promise<EpochFile> {
  const { path, headPath } = options;
  const lines = chain.read(bytes);
  if (lines === undefined) throw unusable(path, 'is damaged at its beginning, or belongs to another authority');
  const stored = await readUnlessMissing(headPath);
  const last = stored === undefined ? undefined : chain.readHead(Buffer.from(stored).toString('utf8'));
  if (last === undefined) throw unusable(headPath, stored === undefined ? 'is missing' : 'is damaged');
  const { acts, length, rest, compaction } = lines;
  const head: ChainHead = { count: lines.seals.length - 1, seal: lines.seals.at(-1) ?? '' };
  if (isReplacement(lines, last)) {
    await writeFileAtomically(headPath, { text: chain.headText(head), mode: OWNER_ONLY });
  } else {
    const problem = lengthProblem(lines, last);
    if (problem !== undefined) throw unusable(path, problem);
  }
  const forgottenBefore = compaction?.endedBefore ?? 0;
  const file = await SealedEpochFile.open(chain, options, { acts, head, length, forgottenBefore });
  if (rest > 0) {
    options.dropped(rest);
    await file.cutBack();
  }
  return file;
}

/** Whoever wrote the file anew died before its length was known; nothing was appended since. */
function isReplacement({ compaction, acts }: SoundLines, last: ChainHead): boolean {
  if (compaction === undefined) return false;
  const { replaced, kept } = compaction;
  return replaced.count === last.count && replaced.seal === last.seal && acts.length === kept;
}

/** The file may be ahead of what is known of its length by what its last writer died over; it may never be behind. */
function lengthProblem({ seals, rest }: SoundLines, last: ChainHead): string | undefined {
  const line = seals.length + 1;
  if (last.count >= seals.length) {
    return rest > 0 ? `is damaged in line ${line}` : `was cut: it ends before line ${line}`;
  }
  return seals[last.count] === last.seal ? undefined : 'is another one than was written last';
}

/** Why a revocation file is not the one whose length is known; undefined when it is. Changes nothing. */
export async function epochFileProblem(
  options: Pick<EpochFileOptions, 'path' | 'keyPath' | 'headPath' | 'keyEncryptionKey' | 'trustDomain'>,
): Promise<string | undefined> {
  const { path, keyPath, headPath, keyEncryptionKey: kek, trustDomain } = options;
  const { secret } = await openSealedSecret(keyPath, { kek, context: `revocations:${trustDomain}` });
  const chain = new EpochChain(secret, trustDomain);
  const lines = chain.read(await readFile(path));
  if (lines === undefined) return 'is damaged at its beginning, or belongs to another authority';
  const last = chain.readHead(await readFile(headPath, 'utf8'));
  if (last === undefined) return 'has a length that nobody here wrote down';
  return isReplacement(lines, last) ? undefined : lengthProblem(lines, last);
}

interface Contents {
  readonly acts: readonly RevocationAct[];
  readonly head: ChainHead;
  /** Bytes. */
  readonly length: number;
  readonly forgottenBefore: number;
}

class SealedEpochFile implements EpochFile {
  readonly acts: readonly RevocationAct[];
  readonly #chain: EpochChain;
  readonly #options: EpochFileOptions;
  #file: FileHandle;
  #forgottenBefore: number;
  #head: ChainHead;
  #length: number;
  #isBroken = false;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: { chain: EpochChain; options: EpochFileOptions; file: FileHandle }, contents: Contents) {
    this.#chain = parts.chain;
    this.#options = parts.options;
    this.#file = parts.file;
    this.acts = contents.acts;
    this.#head = contents.head;
    this.#length = contents.length;
    this.#forgottenBefore = contents.forgottenBefore;
  }

  get forgottenBefore(): number {
    return this.#forgottenBefore;
  }

  static async open(chain: EpochChain, options: EpochFileOptions, contents: Contents): Promise<SealedEpochFile> {
    const file = await open(options.path, 'r+');
    return new SealedEpochFile({ chain, options, file }, contents);
  }

  append(act: RevocationAct): Promise<void> {
    return this.#inTurn(() => this.#append(act));
  }

  forget(acts: readonly RevocationAct[], endedBefore: number): Promise<void> {
    return this.#inTurn(() => this.#forget(new Set(acts.map(({ id }) => id)), endedBefore));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Takes away what stands after the last sound line. */
  async cutBack(): Promise<void> {
    await this.#file.truncate(this.#length);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  /** The new file names the one that it replaces, so that its writer may die before the new length is known. */
  async #forget(ids: ReadonlySet<string>, endedBefore: number): Promise<void> {
    const { path, headPath } = this.#options;
    const lines = this.#chain.read(await readFile(path));
    if (lines === undefined || lines.seals.at(-1) !== this.#head.seal) throw unusable(path, 'was changed meanwhile');
    const acts = lines.acts.filter(({ id }) => !ids.has(id));
    const compaction: Compaction = { kind: 'compaction', endedBefore, replaced: this.#head, kept: acts.length };
    const { text, head } = this.#chain.text([compaction, ...acts]);
    try {
      await writeFileAtomically(path, { text, mode: OWNER_ONLY });
      await writeFileAtomically(headPath, { text: this.#chain.headText(head), mode: OWNER_ONLY });
      // What is open is the file that was replaced.
      await this.#file.close();
      this.#file = await open(path, 'r+');
    } catch (cause) {
      this.#isBroken = true;
      const why = `the revocation file ${path} cannot be written anew; check its disk, then start again`;
      throw new RampartError('STORAGE_FAILED', why, { cause });
    }
    this.#head = head;
    this.#length = Buffer.byteLength(text);
    this.#forgottenBefore = endedBefore;
  }

  async #append(act: RevocationAct): Promise<void> {
    const { path, headPath } = this.#options;
    const { text, seal } = this.#chain.line(this.#head.seal, act);
    const head: ChainHead = { count: this.#head.count + 1, seal };
    const bytes = Buffer.from(text);
    try {
      if (this.#isBroken) throw new Error('an earlier write failed and could not be taken back');
      await this.#file.write(bytes, 0, bytes.length, this.#length);
      await this.#file.sync();
      await writeFileAtomically(headPath, { text: this.#chain.headText(head), mode: OWNER_ONLY });
    } catch (cause) {
      await this.cutBack().catch(() => (this.#isBroken = true));
      const why = `the revocation file ${path} cannot be written, and nothing was revoked; check its disk, then start again`;
      throw new RampartError('STORAGE_FAILED', why, { cause });
    }
    this.#head = head;
    this.#length += bytes.length;
  }
}

async function readUnlessMissing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new RampartError('DATA_DIRECTORY_UNREADABLE', `${path} cannot be read; check its owner and its disk`, {
      cause,
    });
  }
}

function unusable(path: string, what: string): RampartError {
  return new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `${path} ${what}: without it nobody knows what was revoked. Put its newest copy back. If there is none, remove whatever is left of the revocation file, start once with --begin-revocation-file, and revoke anew what was revoked since the database was backed up`,
  );
}
