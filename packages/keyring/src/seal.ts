import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { KEY_OCTETS, type KeyEncryptionKey, NONCE_OCTETS, TAG_OCTETS } from './key-encryption-key.ts';

/** What a sealed value is bound to. */
export interface SealOptions {
  readonly kek: KeyEncryptionKey;
  /** Names the place of the value ("key:root"). Not secret; opening demands the same text, so that values cannot change places. */
  readonly context: string;
}

/** "RPSL" and the version of the layout. */
const HEADER = Uint8Array.of(0x52, 0x50, 0x53, 0x4c, 0x01);
const LENGTH_OCTETS = 2;
const MAX_WRAPPED = 0xff_ff;
const ALGORITHM = 'aes-256-gcm';

/**
 * Envelope encryption: AES-256-GCM under a data key of its own, which the key-encryption key wraps. The layout never varies:
 * `"RPSL" | version 1 | length of the wrapped key (2, big-endian) | wrapped key | nonce (12) | ciphertext | tag (16)`.
 * Everything before the nonce, and the context, is authenticated too.
 */
export async function seal(plaintext: Uint8Array, { kek, context }: SealOptions): Promise<Uint8Array> {
  const dataKey = randomBytes(KEY_OCTETS);
  try {
    const head = headOf(await kek.wrap(dataKey));
    const nonce = randomBytes(NONCE_OCTETS);
    const cipher = createCipheriv(ALGORITHM, dataKey, nonce);
    cipher.setAAD(Buffer.concat([head, Buffer.from(context, 'utf8')]));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return new Uint8Array(Buffer.concat([head, nonce, ciphertext, cipher.getAuthTag()]));
  } finally {
    dataKey.fill(0);
  }
}

/**
 * The plaintext of `seal`.
 * @throws RampartError KEY_UNREADABLE when the bytes are not a sealed value, are damaged, were sealed for another context, or
 * under another key-encryption key. The message says which, as far as it can be told, and never quotes contents.
 */
export async function open(sealed: Uint8Array, { kek, context }: SealOptions): Promise<Uint8Array> {
  const { head, wrapped, body } = split(sealed);
  const dataKey = await kek.unwrap(wrapped);
  try {
    const decipher = createDecipheriv(ALGORITHM, dataKey, body.subarray(0, NONCE_OCTETS), {
      authTagLength: TAG_OCTETS,
    });
    decipher.setAAD(Buffer.concat([head, Buffer.from(context, 'utf8')]));
    decipher.setAuthTag(body.subarray(-TAG_OCTETS));
    return new Uint8Array(Buffer.concat([decipher.update(body.subarray(NONCE_OCTETS, -TAG_OCTETS)), decipher.final()]));
  } catch (error) {
    throw unreadable('is damaged or was sealed for another place', error);
  } finally {
    dataKey.fill(0);
  }
}

function headOf(wrapped: Uint8Array): Uint8Array {
  if (wrapped.length > MAX_WRAPPED)
    throw new RampartError('INTERNAL', `a wrapped data key has ${wrapped.length} bytes, more than ${MAX_WRAPPED}`);
  const length = Uint8Array.of(wrapped.length >> 8, wrapped.length & 0xff);
  return Buffer.concat([HEADER, length, wrapped]);
}

interface SealedParts {
  readonly head: Uint8Array;
  readonly wrapped: Uint8Array;
  readonly body: Uint8Array;
}

function split(sealed: Uint8Array): SealedParts {
  const version = sealed[HEADER.length - 1];
  if (Buffer.compare(sealed.subarray(0, HEADER.length - 1), HEADER.subarray(0, -1)) !== 0)
    throw unreadable('is not one that Rampart sealed');
  if (version !== HEADER.at(-1)) throw unreadable(`has version ${version ?? 'none'}, which this release does not know`);
  const start = HEADER.length + LENGTH_OCTETS;
  const end = start + (sealed[HEADER.length] ?? 0) * 256 + (sealed[HEADER.length + 1] ?? 0);
  if (sealed.length < end + NONCE_OCTETS + TAG_OCTETS) throw unreadable('is cut off');
  return { head: sealed.subarray(0, end), wrapped: sealed.subarray(start, end), body: sealed.subarray(end) };
}

function unreadable(why: string, cause?: unknown): RampartError {
  return new RampartError('KEY_UNREADABLE', `the sealed value ${why}`, { cause });
}
