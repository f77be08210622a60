import { qualifiedName, type Resource } from '@rampart/core';
import { compactVerify, createLocalJWKSet, errors } from 'jose';
import { findKeys, type KeyPlace } from './key-sets.ts';
import type { PresentedToken } from './presented-token.ts';

/** What is known of a token's signature. */
export interface SignatureFinding {
  readonly signature: 'verified' | 'wrong' | 'not checked';
  /** "with the keys of RequestAuthentication shop/users", or why it was not checked. */
  readonly detail: string;
}

interface PlacedKeys extends KeyPlace {
  /** "RequestAuthentication shop/users". */
  readonly resource: string;
}

const KEYS_TIMEOUT_MS = 5000;
/** Of any other, such as none, a token is never accepted (RFC 8725 §3.1). */
const ALGORITHMS = ['RS', 'PS', 'ES', 'HS'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`));

/** Verifies a token with the keys of the rules for its issuer, among the resources that are about the callee. */
export async function checkSignature(
  { text, claims }: PresentedToken,
  resources: readonly Resource[],
): Promise<SignatureFinding> {
  if (text === undefined) return { signature: 'not checked', detail: 'only claims were given' };
  const places = resources.flatMap(keyPlaces).filter(({ issuer }) => issuer === claims['iss'] || issuer === '');
  const problems: string[] = [];
  for (const place of places) {
    const found = await findKeys(place);
    if ('problem' in found) {
      problems.push(`${place.resource}: ${found.problem}`);
      continue;
    }
    const wrong = await isWrong(text, found.keys);
    if (wrong === undefined) return { signature: 'verified', detail: `with the keys of ${place.resource}` };
    return { signature: 'wrong', detail: wrong };
  }
  const detail =
    problems.length === 0 ? 'no policy of this service is about tokens of its issuer' : problems.join('; ');
  return { signature: 'not checked', detail };
}

/** Why no key fits; undefined when one does. */
async function isWrong(text: string, keys: Parameters<typeof createLocalJWKSet>[0]): Promise<string | undefined> {
  const find = createLocalJWKSet(keys);
  try {
    await compactVerify(text, find, { algorithms: [...ALGORITHMS, 'EdDSA', 'Ed25519'] });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys)
      return (await anyFits(text, error)) ? undefined : 'Jwt verification fails';
    if (error instanceof errors.JWKSNoMatchingKey) return "Jwks doesn't have key to match kid or alg from Jwt";
    if (error instanceof errors.JOSEAlgNotAllowed) return 'Jwt header [alg] is not allowed';
    return 'Jwt verification fails';
  }
}

async function anyFits(text: string, candidates: errors.JWKSMultipleMatchingKeys): Promise<boolean> {
  for await (const key of candidates) {
    try {
      await compactVerify(text, key);
      return true;
    } catch {
      // Another key may still fit.
    }
  }
  return false;
}

function keyPlaces(resource: Resource): PlacedKeys[] {
  const name = `${resource.kind} ${resource.kind === 'Namespace' ? resource.metadata.name : qualifiedName(resource)}`;
  if (resource.kind === 'RequestAuthentication') {
    return resource.spec.jwtRules.map((rule) => ({ ...rule, resource: name }));
  }
  if (resource.kind !== 'ServiceTokenPolicy') return [];
  return [{ ...resource.spec, timeoutMs: KEYS_TIMEOUT_MS, resource: name }];
}
