import { type FileHandle, open } from 'node:fs/promises';
import { RampartError } from '@rampart/core';
import type { VerifierKey } from '@rampart/journal';
import { OctetReader, openStream } from '@rampart/keyring';
import { type FileSink, readFiles, readNote } from './contents.ts';
import { CONTEXT } from './create.ts';
import { type Manifest, openManifest } from './manifest.ts';
import { refused } from './refusal.ts';

export interface BackupReading {
  readonly file: string;
  readonly passphrase: string;
  /** Who must have made it; whoever it says itself where it is undefined. */
  readonly key: VerifierKey | undefined;
}

/**
 * Goes through a backup once, to its end, and hands out what is in it. What was handed out counts only when this returns.
 * @throws RampartError NOT_FOUND, INVALID_BACKUP, and what the sink throws.
 */
export async function readBackup({ file, passphrase, key }: BackupReading, sink: FileSink): Promise<Manifest> {
  const handle = await openFile(file);
  try {
    const reader = new OctetReader(
      openStream(handle.createReadStream({ autoClose: false }), { passphrase, context: CONTEXT }),
    );
    const note = await readNote(reader);
    if (note === undefined) throw refused(file, 'holds no manifest');
    const manifest = openManifest(note, key);
    if (!manifest.ok) throw refused(file, manifest.problem);
    const problem = await readFiles(reader, manifest.value, sink);
    if (problem !== undefined) throw refused(file, problem);
    return manifest.value;
  } catch (error) {
    if (!(error instanceof RampartError) || error.code !== 'KEY_UNREADABLE') throw error;
    throw refused(file, error.message.replace(/^the sealed stream /, ''), error);
  } finally {
    await handle.close();
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file);
  } catch (cause) {
    throw new RampartError('NOT_FOUND', `${file} cannot be read; check its name and mode`, { cause });
  }
}

/** Takes what nobody wants. */
export async function drain(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of pieces);
}
