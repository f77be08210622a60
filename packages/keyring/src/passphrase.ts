import { randomBytes, scrypt } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { KEY_OCTETS, type KeyEncryptionKey, keyId, localKeyEncryptionKey } from './key-encryption-key.ts';
import { createPrivateFile, readPrivateFile, unreadableFile } from './private-file.ts';
import {
  DEFAULT_COST,
  formatParameters,
  parseParameters,
  type ScryptCost,
  type ScryptParameters,
} from './scrypt-parameters.ts';

export interface PassphraseOptions {
  /** At least 12 characters; better a sentence. Normalised (NFKC), so that the same text typed elsewhere gives the same key. */
  readonly passphrase: string;
  /** Where salt and cost are kept (mode 0600, made when missing). Not secret, but the key is lost without it. */
  readonly file: string;
  /** For a new file only; N = 2^17, r = 8, p = 1 (128 MiB) by default. */
  readonly cost?: ScryptCost;
}

const MIN_CHARACTERS = 12;
const SALT_OCTETS = 16;
/** Node's limit counts a little more than the 128·N·r bytes of the algorithm itself. */
const MEMORY_MARGIN = 2;

/**
 * The key-encryption key that scrypt (RFC 7914) derives from a passphrase. The file remembers the id of the derived key, so a
 * mistyped passphrase is told at once.
 * @throws RampartError INVALID_ARGUMENT for a short passphrase; KEY_UNREADABLE for a wrong one or a damaged file; STORAGE_FAILED.
 */
export async function fromPassphrase({
  passphrase,
  file,
  cost = DEFAULT_COST,
}: PassphraseOptions): Promise<KeyEncryptionKey> {
  const secret = passphrase.normalize('NFKC');
  if (secret.length < MIN_CHARACTERS) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `the passphrase is shorter than ${MIN_CHARACTERS} characters; choose a longer one`,
    );
  }
  const stored = await readPrivateFile(file);
  if (stored !== undefined) return deriveStored(secret, parseParameters(stored, file), file);
  const salt = new Uint8Array(randomBytes(SALT_OCTETS));
  const key = await derive(secret, { ...cost, salt });
  const text = formatParameters({ ...cost, salt, keyId: keyId(key) });
  if (await createPrivateFile(file, new TextEncoder().encode(text))) return localKeyEncryptionKey(key);
  // Somebody else made it at the same moment: theirs counts.
  return deriveStored(secret, parseParameters((await readPrivateFile(file)) ?? new Uint8Array(), file), file);
}

async function deriveStored(secret: string, parameters: ScryptParameters, file: string): Promise<KeyEncryptionKey> {
  const key = await derive(secret, parameters);
  if (Buffer.compare(keyId(key), parameters.keyId) === 0) return localKeyEncryptionKey(key);
  throw unreadableFile(file, 'was made with another passphrase; start with that one');
}

function derive(secret: string, { N, r, p, salt }: ScryptCost & { readonly salt: Uint8Array }): Promise<Uint8Array> {
  const maxmem = 128 * N * r * MEMORY_MARGIN;
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_OCTETS, { N, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}
