import type { ParsedToken, TokenProblem } from '@rampart/core';

import { signatureProblem } from './keys/signature.ts';
import type { KeySet } from './keys/key-set.ts';
import type { KeySource } from './keys/key-source.ts';

/** The keys that a token's signature was verified with, or why it was not. */
export type SignatureVerdict = { readonly keys: KeySet } | { readonly problem: TokenProblem };

/** Verifies a signature; when no key at hand fits, with those that the issuer may have published meanwhile. */
export async function verifySignature(token: ParsedToken, source: KeySource): Promise<SignatureVerdict> {
  const keys = source.current();
  if (keys !== undefined) {
    const problem = await signatureProblem(token, keys);
    if (problem === undefined) return { keys };
    const newer = await source.refreshed();
    return newer === undefined || newer === keys ? { problem } : verdictWith(token, newer);
  }
  const first = await source.refreshed();
  return first === undefined ? { problem: 'Jwks remote fetch is failed' } : verdictWith(token, first);
}

async function verdictWith(token: ParsedToken, keys: KeySet): Promise<SignatureVerdict> {
  const problem = await signatureProblem(token, keys);
  return problem === undefined ? { keys } : { problem };
}
