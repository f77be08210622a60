import { ok, type Result, type TrustDomain } from '@rampart/core';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import { buildPath } from './path.ts';
import { refuse, type SvidProblem } from './problem.ts';
import { checkIssuer, readChain, rootsOf } from './verify.ts';

/** What the chain of an authority is judged against. */
export interface AuthorityTrust {
  readonly trustDomain: TrustDomain;
  /** DER. */
  readonly roots: readonly Uint8Array[];
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * Validates the chain of an authority that is to sign leaves, the authority first, by the same rules by which a peer will judge
 * its leaves (RFC 5280 §6, X509-SVID.md, signing column). Gives the path, root last.
 */
export function verifyAuthority(
  chain: readonly Uint8Array[],
  { trustDomain, roots, at }: AuthorityTrust,
): Result<readonly ParsedCertificate[], SvidProblem> {
  const sent = readChain(chain);
  if (!sent.ok) return sent;
  const trusted = rootsOf(trustDomain, { roots, trustDomain, at });
  if (!trusted.ok) return trusted;
  const path = buildPath(sent.value, trusted.value);
  if (!path.ok) return path;
  for (const [below, authority] of path.value.entries()) {
    const refusal = checkIssuer(authority, { domain: trustDomain, at, below });
    if (refusal !== undefined) return refusal;
  }
  // Leaves name the key that signed them; without an id of it, nobody could tell them from those of another authority.
  if (sent.value[0].subjectKeyId === undefined) return refuse('UNTRUSTED', 'the authority has no subject key id');
  return ok(path.value);
}
