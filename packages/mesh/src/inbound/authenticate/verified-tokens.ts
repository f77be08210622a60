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

const MAX_TOKENS = 4096;
/** Characters of all tokens together; their claims take a few times as much. */
const MAX_CHARACTERS = 4_194_304;

/**
 * What was verified needs no verification again: by the SHA-256 of the token, for one set of rules, as long as the
 * issuer's keys are the same. Time is for the caller to judge. The oldest make room for new ones: where tokens are large,
 * there are fewer of them.
 */
export class VerifiedTokens<T extends VerifiedToken> {
  readonly #byDigest = new Map<string, T>();
  #characters = 0;

  get(text: string): T | undefined {
    if (this.#byDigest.size === 0) return undefined;
    const digest = digestOf(text);
    const known = this.#byDigest.get(digest);
    if (known === undefined) return undefined;
    if (known.source.current() === known.keys) return known;
    this.#forget(digest);
    return undefined;
  }

  put(verified: T): void {
    const digest = digestOf(verified.token.text);
    this.#forget(digest);
    this.#byDigest.set(digest, verified);
    this.#characters += verified.token.text.length;
    for (const oldest of this.#byDigest.keys()) {
      if (this.#byDigest.size <= MAX_TOKENS && this.#characters <= MAX_CHARACTERS) return;
      this.#forget(oldest);
    }
  }

  drop(text: string): void {
    this.#forget(digestOf(text));
  }

  #forget(digest: string): void {
    const known = this.#byDigest.get(digest);
    if (known === undefined) return;
    this.#characters -= known.token.text.length;
    this.#byDigest.delete(digest);
  }
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
