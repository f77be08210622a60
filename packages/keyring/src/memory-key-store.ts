import { generatePrivateKey } from './fresh-key.ts';
import { checkKeyName, keyExists, type KeyStore } from './key-store.ts';
import { type KeyType, type Signer, signerOf } from './signer.ts';

/** Keys that end with the process: tests, and authorities that are not meant to survive. */
export class MemoryKeyStore implements KeyStore {
  readonly #signers = new Map<string, Signer>();

  async create(name: string, keyType: KeyType = 'ec-p256'): Promise<Signer> {
    checkKeyName(name);
    const signer = signerOf(await generatePrivateKey(keyType));
    if (this.#signers.has(name)) throw keyExists(name);
    this.#signers.set(name, signer);
    return signer;
  }

  async open(name: string): Promise<Signer | undefined> {
    checkKeyName(name);
    return this.#signers.get(name);
  }
}
