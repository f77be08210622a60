import { randomBytes } from 'node:crypto';
import { KEY_OCTETS } from '../key-encryption-key.ts';
import { newPassphraseKey } from '../passphrase.ts';
import type { ScryptCost } from '../scrypt-parameters.ts';
import { CHUNK_OCTETS, chunkKey, sealChunk } from './chunk.ts';
import { formatHead } from './head.ts';
import { OctetReader } from './octet-reader.ts';

export interface SealStreamOptions {
  /** At least 12 characters. */
  readonly passphrase: string;
  /** What it is for; opening demands the same text. */
  readonly context: string;
  /** N = 2^17, r = 8, p = 1 (128 MiB) unless given. */
  readonly cost?: ScryptCost;
}

/**
 * Encrypts a stream of any length under a passphrase: a data key of its own, wrapped by the key that scrypt derives, and chunks
 * of 64 KiB in AES-256-GCM whose nonces say their number and which is the last. That is STREAM (Hoang, Reyhanitabar, Rogaway,
 * Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015) as the age format has it
 * (age-encryption.org/v1, "Payload"): chunks cannot be changed, left out, moved, added or cut off.
 * @throws RampartError INVALID_ARGUMENT for a short passphrase.
 */
export async function* sealStream(
  plaintext: AsyncIterable<Uint8Array>,
  { passphrase, context, cost }: SealStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key: kek, parameters } = await newPassphraseKey(passphrase, cost);
  const dataKey = randomBytes(KEY_OCTETS);
  const head = formatHead({ parameters, wrapped: await kek.wrap(dataKey) });
  const key = chunkKey(dataKey, head, context);
  dataKey.fill(0);
  yield head;
  const reader = new OctetReader(plaintext);
  let chunk = await reader.take(CHUNK_OCTETS);
  for (let number = 0; ; number += 1) {
    const next = await reader.take(CHUNK_OCTETS);
    const isLast = next.length === 0;
    yield sealChunk(key, chunk, { number, isLast });
    if (isLast) break;
    chunk = next;
  }
  key.fill(0);
}
