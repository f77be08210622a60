import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { fromBase64, toBase64 } from './base64.ts';
import { openNote } from './signed-note.ts';
import type { VerifierKey } from './verifier-key.ts';

const ROOT_BYTES = 32;

/** What a log commits to when it signs: all of its first `size` entries. */
export interface Checkpoint {
  /** Which log: "cluster.local/journal". */
  readonly origin: string;
  readonly size: number;
  /** Hex Merkle root (RFC 9162 §2.1.1). */
  readonly root: string;
}

/** The text of a checkpoint (c2sp.org/tlog-checkpoint): origin, size, base64 root, a line each. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(Buffer.from(root, 'hex'))}\n`;
}

/** Reads a checkpoint's text; lines after the root are for others, and skipped. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const [origin = '', count = '', encoded = '', ...extensions] = text.split('\n');
  const root = fromBase64(encoded);
  const size = Number(count);
  if (origin === '' || extensions.pop() !== '' || extensions.includes('')) return fail('this is no checkpoint');
  if (!/^(?:0|[1-9][0-9]*)$/.test(count) || !Number.isSafeInteger(size)) {
    return fail(`${JSON.stringify(count)} is no size of a log`);
  }
  if (root?.length !== ROOT_BYTES) return fail(`${JSON.stringify(encoded)} is no root of a log`);
  return ok({ origin, size, root: Buffer.from(root).toString('hex') });
}

/** A checkpoint that the holder of this key has signed for the log of the same name. */
export function openCheckpoint(note: string, key: VerifierKey): Result<Checkpoint, string> {
  const text = openNote(note, key);
  if (!text.ok) return text;
  const checkpoint = parseCheckpoint(text.value);
  if (!checkpoint.ok || checkpoint.value.origin === key.name) return checkpoint;
  return fail(`it is of the log ${checkpoint.value.origin}, not of ${key.name}`);
}
