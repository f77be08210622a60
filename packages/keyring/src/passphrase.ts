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
  const secret = secretOf(passphrase);
  const stored = await readPrivateFile(file);
  if (stored !== undefined) return deriveStored(secret, parseParameters(stored, file), file);
  const { key, parameters } = await deriveNew(secret, cost);
  if (await createPrivateFile(file, new TextEncoder().encode(formatParameters(parameters)))) return key;
  // Somebody else made it at the same moment: theirs counts.
  return deriveStored(secret, parseParameters((await readPrivateFile(file)) ?? new Uint8Array(), file), file);
}

/** A key-encryption key, and what it is derived from beside the passphrase. */
export interface DerivedKey {
  readonly key: KeyEncryptionKey;
  readonly parameters: ScryptParameters;
}

/** A key under a salt of its own, whose parameters the caller keeps. Throws INVALID_ARGUMENT for a short passphrase. */
export function newPassphraseKey(passphrase: string, cost: ScryptCost = DEFAULT_COST): Promise<DerivedKey> {
  return deriveNew(secretOf(passphrase), cost);
}

/** The key of these parameters; undefined when it is another passphrase that it was made with. */
export async function passphraseKeyOf(
  passphrase: string,
  parameters: ScryptParameters,
): Promise<KeyEncryptionKey | undefined> {
  const key = await derive(passphrase.normalize('NFKC'), parameters);
  return Buffer.compare(keyId(key), parameters.keyId) === 0 ? localKeyEncryptionKey(key) : undefined;
}

function secretOf(passphrase: string): string {
  const secret = passphrase.normalize('NFKC');
  if (secret.length >= MIN_CHARACTERS) return secret;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `the passphrase is shorter than ${MIN_CHARACTERS} characters; choose a longer one`,
  );
}

async function deriveNew(secret: string, cost: ScryptCost): Promise<DerivedKey> {
  const salt = new Uint8Array(randomBytes(SALT_OCTETS));
  const key = await derive(secret, { ...cost, salt });
  return { key: localKeyEncryptionKey(key), parameters: { ...cost, salt, keyId: keyId(key) } };
}

async function deriveStored(secret: string, parameters: ScryptParameters, file: string): Promise<KeyEncryptionKey> {
  const key = await passphraseKeyOf(secret, parameters);
  if (key !== undefined) return key;
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
