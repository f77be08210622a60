import { candidateKeys, type ParsedToken } from '@rampart/core';
import { compactVerify, importJWK, type JWK } from 'jose';
import { findKeys, type KeyPlace } from './key-sets.ts';

/** What the keys of one rule say of a token's signature, and why. */
export type SignatureVerdict =
  | { readonly kind: 'verified' }
  | { readonly kind: 'wrong'; readonly problem: string }
  | { readonly kind: 'not checked'; readonly problem: string };

/** Verifies a signature with the keys that a data plane would try. */
export async function verifySignature(token: ParsedToken, place: KeyPlace): Promise<SignatureVerdict> {
  const keys = await findKeys(place);
  if (!keys.ok) {
    // Keys that stand in the rule and cannot be used are the same everywhere.
    return { kind: place.jwks === undefined ? 'not checked' : 'wrong', problem: keys.problem };
  }
  const candidates = candidateKeys(keys.value, token);
  if (candidates.length === 0) {
    return { kind: 'wrong', problem: "Jwks doesn't have key to match kid or alg from Jwt" };
  }
  for (const { parts } of candidates) {
    try {
      const key = await importJWK(parts as JWK, token.algorithm);
      await compactVerify(token.text, key, { algorithms: [token.algorithm] });
      return { kind: 'verified' };
    } catch {
      // Another key may still fit; that none does is the answer.
    }
  }
  return { kind: 'wrong', problem: 'Jwt verification fails' };
}
