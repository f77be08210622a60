import { hash } from 'node:crypto';

import type { ParsedToken } from '@rampart/core';

import type { KeySet } from './keys/key-set.ts';
import type { KeySource } from './keys/key-source.ts';

/** A token whose signature and claims were found good. */
export interface VerifiedToken {
  readonly token: ParsedToken;
  readonly source: KeySource;
  /** The keys it was verified with. */
  readonly keys: KeySet;
}

const CAPACITY = 4096;

/**
 * What was verified needs no verification again: by the SHA-256 of the token, for one set of rules, as long as the
 * issuer's keys are the same. Time is for the caller to judge. The oldest make room for new ones.
 */
export class VerifiedTokens<T extends VerifiedToken> {
  readonly #byDigest = new Map<string, T>();

  get(text: string): T | undefined {
    if (this.#byDigest.size === 0) return undefined;
    const digest = digestOf(text);
    const known = this.#byDigest.get(digest);
    if (known === undefined) return undefined;
    if (known.source.current() === known.keys) return known;
    this.#byDigest.delete(digest);
    return undefined;
  }

  put(verified: T): void {
    if (this.#byDigest.size >= CAPACITY) {
      const [oldest] = this.#byDigest.keys();
      if (oldest !== undefined) this.#byDigest.delete(oldest);
    }
    this.#byDigest.set(digestOf(verified.token.text), verified);
  }

  drop(text: string): void {
    this.#byDigest.delete(digestOf(text));
  }
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
