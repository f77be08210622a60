import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { KEY_OCTETS, NONCE_OCTETS, TAG_OCTETS } from '../key-encryption-key.ts';

/** Bytes of plaintext in every chunk but the last one. */
export const CHUNK_OCTETS: number = 64 * 1024;
export const SEALED_CHUNK_OCTETS: number = CHUNK_OCTETS + TAG_OCTETS;

const ALGORITHM = 'aes-256-gcm';
const LABEL = 'rampart sealed stream v1';

/** Which chunk it is. */
export interface ChunkPlace {
  /** 0, 1, 2 … */
  readonly number: number;
  readonly isLast: boolean;
}

/** The key of the chunks of one stream: HKDF-SHA-256 (RFC 5869), bound to all of its head and to what it is for. */
export function chunkKey(dataKey: Uint8Array, head: Uint8Array, context: string): Uint8Array {
  const salt = createHash('sha256').update(head).digest();
  return new Uint8Array(hkdfSync('sha256', dataKey, salt, `${LABEL} ${context}`, KEY_OCTETS));
}

export function sealChunk(key: Uint8Array, plaintext: Uint8Array, place: ChunkPlace): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, key, nonceOf(place));
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined when it is not the chunk of this place. */
export function openChunk(key: Uint8Array, sealed: Uint8Array, place: ChunkPlace): Uint8Array | undefined {
  if (sealed.length < TAG_OCTETS) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, nonceOf(place), { authTagLength: TAG_OCTETS });
  decipher.setAuthTag(sealed.subarray(-TAG_OCTETS));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_OCTETS)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The nonce of STREAM: number, and whether it is the last one. The key is of this stream alone, so that none comes twice. */
function nonceOf({ number, isLast }: ChunkPlace): Uint8Array {
  const nonce = Buffer.alloc(NONCE_OCTETS);
  nonce.writeBigUInt64BE(BigInt(number), NONCE_OCTETS - 9);
  nonce[NONCE_OCTETS - 1] = isLast ? 1 : 0;
  return nonce;
}
