import { createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { generatePrivateKey } from './fresh-key.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { checkKeyName, keyExists, type KeyStore } from './key-store.ts';
import { createPrivateFile, readPrivateFile, unreadableFile } from './private-file.ts';
import { open, seal } from './seal.ts';
import { type KeyType, keyTypeOf, type Signer, signerOf } from './signer.ts';

export interface FileKeyStoreOptions {
  /** Made, mode 0700, with the first key. */
  readonly directory: string;
  readonly keyEncryptionKey: KeyEncryptionKey;
}

/** One file a key, `<name>.key`: the PKCS#8 key sealed for its name, mode 0600, there whole or not at all. */
export class FileKeyStore implements KeyStore {
  readonly #directory: string;
  readonly #kek: KeyEncryptionKey;

  constructor({ directory, keyEncryptionKey }: FileKeyStoreOptions) {
    this.#directory = directory;
    this.#kek = keyEncryptionKey;
  }

  async create(name: string, keyType: KeyType = 'ec-p256'): Promise<Signer> {
    const path = this.#path(name);
    const privateKey = await generatePrivateKey(keyType);
    const sealed = await this.#seal(name, privateKey);
    if (!(await createPrivateFile(path, sealed))) throw keyExists(name);
    return signerOf(privateKey);
  }

  async open(name: string): Promise<Signer | undefined> {
    const path = this.#path(name);
    const sealed = await readPrivateFile(path);
    return sealed === undefined ? undefined : signerOf(await this.#unseal(name, path, sealed));
  }

  async #seal(name: string, privateKey: KeyObject): Promise<Uint8Array> {
    const plaintext = privateKey.export({ type: 'pkcs8', format: 'der' });
    try {
      return await seal(plaintext, { kek: this.#kek, context: contextOf(name) });
    } finally {
      plaintext.fill(0);
    }
  }

  async #unseal(name: string, path: string, sealed: Uint8Array): Promise<KeyObject> {
    const plaintext = await open(sealed, { kek: this.#kek, context: contextOf(name) }).catch((error: unknown) => {
      const why = error instanceof RampartError && error.code === 'KEY_UNREADABLE' ? `: ${error.message}` : '';
      throw unreadableFile(
        path,
        `cannot be decrypted${why}; start with the key-encryption key that it was made with, or restore the file from a backup`,
        error,
      );
    });
    try {
      return readKey(plaintext, path);
    } finally {
      plaintext.fill(0);
    }
  }

  #path(name: string): string {
    checkKeyName(name);
    return join(this.#directory, `${name}.key`);
  }
}

function readKey(plaintext: Uint8Array, path: string): KeyObject {
  const key = parsePkcs8(plaintext);
  if (key !== undefined && keyTypeOf(key) !== undefined) return key;
  throw unreadableFile(path, 'does not hold an EC P-256, Ed25519 or RSA 2048 key; restore it from a backup');
}

function parsePkcs8(plaintext: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(plaintext), format: 'der', type: 'pkcs8' });
  } catch {
    // The parser's own message is left out, as it may quote what it read.
    return undefined;
  }
}

function contextOf(name: string): string {
  return `rampart signing key ${name}`;
}
