import { verify } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { checkKeyName, keyExists, type KeyStore } from '../key-store.ts';
import { digestOf, type KeyType, type Signer } from '../signer.ts';
import { TransitConnection, type TransitOptions } from './transit-connection.ts';
import { readTransitKey, readTransitSignature, saysExisted, TRANSIT_TYPES, type TransitKey } from './transit-key.ts';

/**
 * Keys that never leave an external service: HashiCorp Vault, OpenBao, or anything else with the API of Vault's transit engine
 * (`POST` and `GET keys/:name`, `POST sign/:name`). Every signature that comes back is verified before it is used.
 */
export class TransitKeyStore implements KeyStore {
  readonly #connection: TransitConnection;

  /** @throws RampartError INVALID_ARGUMENT for a URL or mount that cannot be. Nothing is called yet. */
  constructor(options: TransitOptions) {
    this.#connection = new TransitConnection(options);
  }

  async create(name: string, keyType: KeyType = 'ec-p256'): Promise<Signer> {
    checkKeyName(name);
    const { body } = await this.#connection.call(`create key ${name}`, {
      method: 'POST',
      path: `keys/${name}`,
      body: { type: TRANSIT_TYPES[keyType], exportable: false, allow_plaintext_backup: false },
    });
    if (saysExisted(body)) throw keyExists(name);
    const signer = await this.open(name);
    if (signer?.keyType === keyType) return signer;
    throw unusable(name, 'is not there, or is of another kind, right after it was created');
  }

  async open(name: string): Promise<Signer | undefined> {
    checkKeyName(name);
    const { status, body } = await this.#connection.call(`read key ${name}`, { method: 'GET', path: `keys/${name}` });
    if (status === 404) return undefined;
    const key = readTransitKey(body);
    if (key === undefined) {
      throw unusable(
        name,
        'has no version 1 that is EC P-256, Ed25519 or RSA 2048: set its min_decryption_version back to 1',
      );
    }
    return this.#signer(name, key);
  }

  /** Lets idle connections go. */
  close(): void {
    this.#connection.close();
  }

  #signer(name: string, { keyType, publicKey }: TransitKey): Signer {
    return {
      keyType,
      publicKeyDer: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      sign: async (data) => {
        const { status, body } = await this.#connection.call(`sign with key ${name}`, signCall(name, data));
        const signature = status === 404 ? undefined : readTransitSignature(body);
        if (signature === undefined)
          throw unusable(name, 'gave no signature: it is gone, or this is no transit engine');
        if (verify(digestOf(keyType), data, publicKey, signature)) return signature;
        throw unusable(name, 'gave a signature of another key: somebody has replaced it');
      },
    };
  }
}

function signCall(name: string, data: Uint8Array): { method: 'POST'; path: string; body: Record<string, unknown> } {
  const input = Buffer.from(data).toString('base64');
  // Without an algorithm the service would sign with RSASSA-PSS; the other kinds of key have but one.
  const form = { hash_algorithm: 'sha2-256', signature_algorithm: 'pkcs1v15', marshaling_algorithm: 'asn1' };
  return { method: 'POST', path: `sign/${name}`, body: { input, prehashed: false, key_version: 1, ...form } };
}

function unusable(name: string, what: string): RampartError {
  return new RampartError('KEY_UNREADABLE', `key ${name} of the key service ${what}`);
}
