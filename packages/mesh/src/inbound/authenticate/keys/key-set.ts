import { hash } from 'node:crypto';

import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { CryptoKey, JWK } from 'jose';

import { parseJsonObject } from '../token/json-object.ts';
import { keyShape } from './algorithms.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { loadJose } from './load-jose.ts';

const MAX_KEYS = 256;
/** A token without `kid` is tried with each key that fits; more than this would be work for nothing. */
const MAX_CANDIDATES = 16;

/** What makes a public key, by type; everything else in a key is left out, above all its private part. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
};

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

  /**
   * Reads a set, or a key that stands alone. Keys that cannot verify signatures are left out, as RFC 7517 §5 asks. Secrets
   * count only where nobody can fetch them.
   */
  static parse(text: string, options: { readonly secrets: boolean }): Result<KeySet, string> {
    const object = parseJsonObject(Buffer.from(text));
    if (!object.ok) return fail(`the key set ${object.problem}`);
    const keys = object.value['kty'] === undefined ? object.value['keys'] : [object.value];
    if (!Array.isArray(keys)) return fail('the key set has no list of keys');
    if (keys.length > MAX_KEYS) return fail(`the key set has more than ${MAX_KEYS} keys`);
    const readable = keys.flatMap((key: unknown) => IssuerKey.read(key, options) ?? []);
    if (readable.length === 0) return fail('the key set has no key that verifies signatures');
    return ok(new KeySet(readable, hash('sha256', text)));
  }

  /** The keys that a token may have been signed with: of its algorithm, and of its `kid` where both have one. */
  candidates(algorithm: SignatureAlgorithm, keyId: string | undefined): readonly VerificationKey[] {
    return this.#keys.filter((key) => key.fits(algorithm, keyId)).slice(0, MAX_CANDIDATES);
  }
}

class IssuerKey implements VerificationKey {
  readonly keyId: string | undefined;
  readonly #parts: Readonly<Record<string, string>>;
  readonly #algorithm: string | undefined;
  readonly #imported = new Map<SignatureAlgorithm, Promise<CryptoKey | Uint8Array>>();

  private constructor(
    parts: Readonly<Record<string, string>>,
    keyId: string | undefined,
    algorithm: string | undefined,
  ) {
    this.#parts = parts;
    this.keyId = keyId;
    this.#algorithm = algorithm;
  }

  static read(value: unknown, { secrets }: { readonly secrets: boolean }): IssuerKey | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const { kty, kid, alg, use, key_ops: operations } = value as Readonly<Record<string, unknown>>;
    if (typeof kty !== 'string' || (kty === 'oct' && !secrets)) return undefined;
    if (use !== undefined && use !== 'sig') return undefined;
    if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
    const parts = publicParts(value, kty);
    return parts && new IssuerKey(parts, textOf(kid), textOf(alg));
  }

  fits(algorithm: SignatureAlgorithm, keyId: string | undefined): boolean {
    const { type, curve } = keyShape(algorithm);
    if (this.#parts['kty'] !== type || (curve !== undefined && this.#parts['crv'] !== curve)) return false;
    if (this.#algorithm !== undefined && this.#algorithm !== algorithm) return false;
    return keyId === undefined || this.keyId === undefined || keyId === this.keyId;
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
    return importJWK(this.#parts as JWK, algorithm);
  }
}

function publicParts(key: object, type: string): Readonly<Record<string, string>> | undefined {
  const members = Object.hasOwn(MEMBERS, type) ? MEMBERS[type] : undefined;
  if (members === undefined) return undefined;
  const parts: Record<string, string> = { kty: type };
  for (const name of members) {
    const part: unknown = Reflect.get(key, name);
    if (typeof part !== 'string') return undefined;
    parts[name] = part;
  }
  return parts;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
