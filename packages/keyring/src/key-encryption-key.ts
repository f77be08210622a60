import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { RampartError } from '@rampart/core';

/** The key that protects data keys: a local one, or one that an external Vault or KMS holds. */
export interface KeyEncryptionKey {
  /** Encrypts a data key; at most 65,535 bytes come out. */
  wrap(dataKey: Uint8Array): Promise<Uint8Array>;
  /** @throws RampartError KEY_UNREADABLE when this key did not wrap these bytes, or they are damaged. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** AES-256 and AES-GCM sizes in bytes (NIST SP 800-38D §5.2.1, §8.2). */
export const KEY_OCTETS = 32;
export const NONCE_OCTETS = 12;
export const TAG_OCTETS = 16;

const ID_OCTETS = 8;
const ALGORITHM = 'aes-256-gcm';
const ID_LABEL = 'rampart key-encryption key id v1';

/**
 * A key-encryption key held by this process: 32 bytes. A wrapped data key is
 * `id (8) | nonce (12) | ciphertext | tag (16)`; the id tells a wrong key from damaged bytes and gives nothing away.
 * @throws RampartError INVALID_ARGUMENT for any other length.
 */
export function localKeyEncryptionKey(key: Uint8Array): KeyEncryptionKey {
  if (key.length !== KEY_OCTETS)
    throw new RampartError('INVALID_ARGUMENT', `a key-encryption key has ${KEY_OCTETS} bytes`);
  const own = new Uint8Array(key);
  const id = keyId(own);
  return {
    wrap: async (dataKey) => {
      const nonce = randomBytes(NONCE_OCTETS);
      const cipher = createCipheriv(ALGORITHM, own, nonce);
      cipher.setAAD(id);
      const ciphertext = Buffer.concat([cipher.update(dataKey), cipher.final()]);
      return new Uint8Array(Buffer.concat([id, nonce, ciphertext, cipher.getAuthTag()]));
    },
    unwrap: async (wrapped) => {
      if (wrapped.length < ID_OCTETS + NONCE_OCTETS + TAG_OCTETS) throw unreadable('is cut off');
      if (Buffer.compare(wrapped.subarray(0, ID_OCTETS), id) !== 0)
        throw unreadable('is protected by another key-encryption key');
      return unwrapData(own, wrapped);
    },
  };
}

/** Public name of a key: a keyed hash, so that nothing about the key follows from it. */
export function keyId(key: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(ID_LABEL).digest().subarray(0, ID_OCTETS));
}

function unwrapData(key: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const nonce = wrapped.subarray(ID_OCTETS, ID_OCTETS + NONCE_OCTETS);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_OCTETS });
  decipher.setAAD(wrapped.subarray(0, ID_OCTETS));
  decipher.setAuthTag(wrapped.subarray(-TAG_OCTETS));
  try {
    const ciphertext = wrapped.subarray(ID_OCTETS + NONCE_OCTETS, -TAG_OCTETS);
    return new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
  } catch (error) {
    throw unreadable('is damaged', error);
  }
}

function unreadable(why: string, cause?: unknown): RampartError {
  return new RampartError('KEY_UNREADABLE', `the data key ${why}`, { cause });
}
