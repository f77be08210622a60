import { randomBytes } from 'node:crypto';
import { KEY_OCTETS, type KeyEncryptionKey, localKeyEncryptionKey } from './key-encryption-key.ts';
import { createPrivateFile, readPrivateFile, unreadableFile } from './private-file.ts';

/**
 * The key-encryption key in a file of 32 random bytes, made (mode 0600) when it is missing. Whoever has this file and what it
 * protects has the secrets: keep it on another volume than the data, and back it up apart.
 * @throws RampartError KEY_UNREADABLE when others may read the file, or it is not 32 bytes; STORAGE_FAILED.
 */
export async function fromKeyFile(path: string): Promise<KeyEncryptionKey> {
  const existing = await readPrivateFile(path);
  if (existing !== undefined) return fromBytes(existing, path);
  const fresh = randomBytes(KEY_OCTETS);
  if (await createPrivateFile(path, fresh)) return fromBytes(fresh, path);
  // Somebody else made it at the same moment: theirs counts.
  return fromBytes((await readPrivateFile(path)) ?? new Uint8Array(), path);
}

function fromBytes(key: Uint8Array, path: string): KeyEncryptionKey {
  if (key.length !== KEY_OCTETS) {
    throw unreadableFile(path, `has ${key.length} bytes where ${KEY_OCTETS} are expected; restore it from a backup`);
  }
  const kek = localKeyEncryptionKey(key);
  key.fill(0);
  return kek;
}
