import type { CryptoKey } from 'jose';
import { ok, type Result, type TrustDomain } from '@rampart/core';
import type { JwtAuthority } from '../bundle/trust-bundle.ts';
import { fitsAlgorithm, type JwtSvidAlgorithm } from './algorithms.ts';
import { loadJose } from './load-jose.ts';
import { type JwtSvid, parseJwtSvid } from './parse.ts';
import { type JwtSvidProblem, refuse } from './problem.ts';

/** What a JWT-SVID is judged against. */
export interface JwtSvidTrust {
  /** The keys of one trust domain's own bundle, or undefined when there is no trust in that domain: never a pool of several. */
  readonly bundles: (trustDomain: TrustDomain) => readonly JwtAuthority[] | undefined;
  /** The validator's own name, which `aud` has to hold. */
  readonly audience: string;
  /** Unix milliseconds. */
  readonly now: number;
  /** How far the clocks of issuer and validator may be apart: none unless given. */
  readonly clockSkewMs?: number;
}

/** A token from a time to come would escape whoever revokes what was issued until now. As far as go-spiffe bears it. */
const MOST_AHEAD_MS = 60_000;

type Refusal = ReturnType<typeof refuse>;

/** A token without `kid` is tried with each key that fits; more would be work for nothing. */
const MAX_CANDIDATES = 16;

/** Verifies a JWT-SVID (JWT-SVID.md §5): its profile, its time, its audience, and its signature by a key of its own domain. */
export async function verifyJwtSvid(token: string, trust: JwtSvidTrust): Promise<Result<JwtSvid, JwtSvidProblem>> {
  const parsed = parseJwtSvid(token);
  if (!parsed.ok) return parsed;
  const svid = parsed.value;
  const authorities = trust.bundles(svid.spiffeId.trustDomain);
  if (authorities === undefined || authorities.length === 0) {
    return refuse('UNTRUSTED', `there is no key for JWT-SVIDs of trust domain ${svid.spiffeId.trustDomain.name}`);
  }
  const candidates = candidatesFor(svid, authorities);
  if (candidates.length === 0) {
    return refuse('UNKNOWN_KEY', 'the bundle of its trust domain has no key of the "kid" and "alg" of the token');
  }
  if (!(await isSigned(token, { svid, candidates }))) {
    return refuse('BAD_SIGNATURE', 'the signature is not by a key of its trust domain');
  }
  return checkTime(svid, trust) ?? checkAudience(svid, trust) ?? ok(svid);
}

function candidatesFor({ algorithm, keyId }: JwtSvid, authorities: readonly JwtAuthority[]): readonly JwtAuthority[] {
  return authorities
    .filter(
      (authority) => (keyId === undefined || authority.keyId === keyId) && fitsAlgorithm(authority.jwk, algorithm),
    )
    .slice(0, MAX_CANDIDATES);
}

async function isSigned(
  token: string,
  { svid, candidates }: { readonly svid: JwtSvid; readonly candidates: readonly JwtAuthority[] },
): Promise<boolean> {
  const { compactVerify } = await loadJose();
  for (const candidate of candidates) {
    try {
      const key = await importedKey(candidate, svid.algorithm);
      await compactVerify(token, key, { algorithms: [svid.algorithm] });
      return true;
    } catch {
      // Another key may still fit; that none does is the answer.
    }
  }
  return false;
}

type ImportedKey = ReturnType<typeof importKey>;

/** Reading a key costs as much as using it; a bundle's are used for many tokens. */
const imported = new WeakMap<JwtAuthority, Map<JwtSvidAlgorithm, ImportedKey>>();

function importedKey(authority: JwtAuthority, algorithm: JwtSvidAlgorithm): ImportedKey {
  const keys = imported.get(authority) ?? new Map<JwtSvidAlgorithm, ImportedKey>();
  imported.set(authority, keys);
  const key = keys.get(algorithm) ?? importKey(authority, algorithm);
  keys.set(algorithm, key);
  return key;
}

async function importKey({ jwk }: JwtAuthority, algorithm: JwtSvidAlgorithm): Promise<CryptoKey | Uint8Array> {
  const { importJWK } = await loadJose();
  return importJWK({ ...jwk }, algorithm);
}

function checkTime(
  { expiresAt, notBefore, issuedAt }: JwtSvid,
  { now, clockSkewMs = 0 }: JwtSvidTrust,
): Refusal | undefined {
  // Not "later than": a time that is no number must not pass.
  if (!(now - clockSkewMs < expiresAt)) return refuse('EXPIRED', `the token expired at ${isoOf(expiresAt)}`);
  if (notBefore !== undefined && now + clockSkewMs < notBefore) {
    return refuse('NOT_YET_VALID', `the token is not valid before ${isoOf(notBefore)}`);
  }
  if (issuedAt === undefined || issuedAt <= now + clockSkewMs + MOST_AHEAD_MS) return undefined;
  return refuse('NOT_YET_VALID', `the token says that it was issued at ${isoOf(issuedAt)}, which is yet to come`);
}

function checkAudience({ audience }: JwtSvid, trust: JwtSvidTrust): Refusal | undefined {
  if (audience.includes(trust.audience)) return undefined;
  return refuse('WRONG_AUDIENCE', `the token is not for ${JSON.stringify(trust.audience)}`);
}

function isoOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? 'a time beyond the calendar' : date.toISOString();
}
