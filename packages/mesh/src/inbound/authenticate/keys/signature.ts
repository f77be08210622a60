import type { ParsedToken, TokenProblem } from '@rampart/core';

import { loadJose } from './load-jose.ts';
import type { KeySet } from './key-set.ts';

/** Verifies a token's signature with an issuer's keys; says what is wrong, or undefined. */
export async function signatureProblem(token: ParsedToken, keys: KeySet): Promise<TokenProblem | undefined> {
  const candidates = keys.candidates(token.algorithm, token.keyId);
  if (candidates.length === 0) return "Jwks doesn't have key to match kid or alg from Jwt";
  const { compactVerify } = await loadJose();
  for (const candidate of candidates) {
    try {
      await compactVerify(token.text, await candidate.use(token.algorithm), { algorithms: [token.algorithm] });
      return undefined;
    } catch {
      // Another key may still fit; that none does is the answer.
    }
  }
  return 'Jwt verification fails';
}
