import { hash } from 'node:crypto';

import { candidateKeys, ok, readTokenKeys } from '@rampart/core';
import type { Result, SignatureAlgorithm, TokenKey } from '@rampart/core';
import type { CryptoKey, JWK } from 'jose';

import { loadJose } from './load-jose.ts';

/** One key of an issuer. */
export interface VerificationKey {
  readonly keyId: string | undefined;
  /** The key for one algorithm; rejects when the key is unfit for it. */
  use(algorithm: SignatureAlgorithm): Promise<CryptoKey | Uint8Array>;
}

/** The keys of one issuer (RFC 7517 §5). */
export class KeySet {
  readonly #keys: readonly IssuerKey[];
  /** Equal for equal documents. */
  readonly fingerprint: string;

  private constructor(keys: readonly IssuerKey[], fingerprint: string) {
    this.#keys = keys;
    this.fingerprint = fingerprint;
  }

  /** Reads a set, or a key that stands alone. Secrets count only where nobody can fetch them. */
  static parse(text: string, options: { readonly secrets: boolean }): Result<KeySet, string> {
    const keys = readTokenKeys(text, options);
    return keys.ok
      ? ok(
          new KeySet(
            keys.value.map((key) => new IssuerKey(key)),
            hash('sha256', text),
          ),
        )
      : keys;
  }

  /** The keys that a token may have been signed with: of its algorithm, and of its `kid` where both have one. */
  candidates(algorithm: SignatureAlgorithm, keyId: string | undefined): readonly VerificationKey[] {
    return candidateKeys(this.#keys, { algorithm, keyId });
  }
}

class IssuerKey implements TokenKey, VerificationKey {
  readonly keyId: string | undefined;
  readonly algorithm: string | undefined;
  readonly parts: Readonly<Record<string, string>>;
  readonly #imported = new Map<SignatureAlgorithm, Promise<CryptoKey | Uint8Array>>();

  constructor({ keyId, algorithm, parts }: TokenKey) {
    this.keyId = keyId;
    this.algorithm = algorithm;
    this.parts = parts;
  }

  use(algorithm: SignatureAlgorithm): Promise<CryptoKey | Uint8Array> {
    const known = this.#imported.get(algorithm);
    if (known !== undefined) return known;
    const imported = this.#import(algorithm);
    this.#imported.set(algorithm, imported);
    return imported;
  }

  async #import(algorithm: SignatureAlgorithm): Promise<CryptoKey | Uint8Array> {
    const { importJWK } = await loadJose();
    return importJWK(this.parts as JWK, algorithm);
  }
}
