import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RevocationAct, RevocationEpoch } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import { type KeyEncryptionKey, openSealedSecret } from '@rampart/keyring';
import { writeFileAtomically } from '../directory/atomic-file.ts';
import { type ChainHead, EpochChain, type SoundLines } from './epoch-chain.ts';

export interface EpochFileOptions {
  readonly path: string;
  /** Where the key that seals the file is kept, sealed itself; and how long the file was last. */
  readonly keyPath: string;
  readonly headPath: string;
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly trustDomain: string;
  /** What a new file begins with: what was revoked before there was one. */
  earlier(): Promise<readonly RevocationAct[]>;
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
  if (!isNew && head !== undefined) throw unusable(path, 'is missing', options);
  return begin(chain, options);
}

async function begin(chain: EpochChain, options: EpochFileOptions): Promise<EpochFile> {
  const { path, headPath } = options;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const acts = await options.earlier();
  let seal = chain.start;
  let text = chain.headerLine;
  for (const act of acts) {
    const line = chain.line(seal, act);
    seal = line.seal;
    text += line.text;
  }
  await writeFileAtomically(path, { text, mode: OWNER_ONLY });
  const head: ChainHead = { count: acts.length, seal };
  await writeFileAtomically(headPath, { text: chain.headText(head), mode: OWNER_ONLY });
  return SealedEpochFile.open(chain, options, { acts, head, length: Buffer.byteLength(text) });
}

async function reopen(chain: EpochChain, options: EpochFileOptions, bytes: Uint8Array): Promise<EpochFile> {
  const { path, headPath } = options;
  const lines = chain.read(bytes);
  if (lines === undefined)
    throw unusable(path, 'is damaged at its beginning, or belongs to another authority', options);
  const stored = await readUnlessMissing(headPath);
  const last = stored === undefined ? undefined : chain.readHead(Buffer.from(stored).toString('utf8'));
  if (last === undefined) throw unusable(headPath, stored === undefined ? 'is missing' : 'is damaged', options);
  checkLength(lines, last, options);
  const { acts, length, rest } = lines;
  const head: ChainHead = { count: acts.length, seal: lines.seals.at(-1) ?? '' };
  const file = await SealedEpochFile.open(chain, options, { acts, head, length });
  if (rest > 0) {
    options.dropped(rest);
    await file.cutBack();
  }
  return file;
}

/** The file may be ahead of what is known of its length by what its last writer died over; it may never be behind. */
function checkLength({ acts, seals, rest }: SoundLines, last: ChainHead, options: EpochFileOptions): void {
  const { path } = options;
  if (last.count > acts.length) {
    const line = acts.length + 2;
    throw unusable(path, rest > 0 ? `is damaged in line ${line}` : `was cut: it ends before line ${line}`, options);
  }
  if (seals[last.count] !== last.seal) throw unusable(path, 'is another one than was written last', options);
}

interface Contents {
  readonly acts: readonly RevocationAct[];
  readonly head: ChainHead;
  /** Bytes. */
  readonly length: number;
}

class SealedEpochFile implements EpochFile {
  readonly acts: readonly RevocationAct[];
  readonly #chain: EpochChain;
  readonly #options: EpochFileOptions;
  readonly #file: FileHandle;
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
  }

  static async open(chain: EpochChain, options: EpochFileOptions, contents: Contents): Promise<SealedEpochFile> {
    const file = await open(options.path, 'r+');
    return new SealedEpochFile({ chain, options, file }, contents);
  }

  append(act: RevocationAct): Promise<void> {
    const done = this.#last.then(() => this.#append(act));
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

function unusable(path: string, what: string, { keyPath, headPath }: EpochFileOptions): RampartError {
  return new RampartError(
    'DATA_DIRECTORY_UNREADABLE',
    `${path} ${what}: without it nobody knows what was revoked. Put its newest copy back. If there is none, remove ${keyPath} and ${headPath} and whatever is left of the file, start again, and revoke anew what was revoked since the database was backed up`,
  );
}
