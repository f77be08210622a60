import { fail, ok, type Result, type TrustDomain } from '@rampart/core';
import { parseCertificate } from '../certificate/parsed-certificate.ts';
import { toPem } from '../pem.ts';
import { checkAuthorityProfile } from '../svid/authority-profile.ts';
import type { PublicJwk } from './public-jwk.ts';

/** What one trust domain's SVIDs are verified with, at one moment (SPIFFE_Trust_Domain_and_Bundle.md §4). */
export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  /** DER certificates. Without any, no X509-SVID of the domain is trusted. */
  readonly roots: readonly Uint8Array[];
  /** Without any, no JWT-SVID of the domain is trusted. */
  readonly jwtAuthorities: readonly JwtAuthority[];
  /** Grows with every change of the contents; 0 where the document says none. */
  readonly sequence: number;
  /** Seconds until whoever keeps a copy should ask again. */
  readonly refreshHintSeconds?: number;
}

/** A public key that JWT-SVIDs of a trust domain are signed with. */
export interface JwtAuthority {
  /** Names the key within its trust domain; a JWT-SVID's `kid`. */
  readonly keyId: string;
  readonly jwk: PublicJwk;
}

/** Whether every root of the bundle is a CA certificate that may vouch for its domain; the problem names the first that is not. */
export function checkBundle(bundle: TrustBundle): Result<TrustBundle, string> {
  for (const [index, der] of bundle.roots.entries()) {
    const problem = rootProblem(der, bundle.trustDomain);
    if (problem !== undefined) return fail(`root ${index + 1} of trust domain ${bundle.trustDomain.name}: ${problem}`);
  }
  return ok(bundle);
}

/** The roots as PEM, one after the other: the form of a CA file. */
export function bundleToPem(bundle: TrustBundle): string {
  return bundle.roots.map((der) => toPem(der)).join('');
}

/** Why a certificate cannot vouch for SVIDs of the domain; undefined when it can. */
export function rootProblem(der: Uint8Array, trustDomain: TrustDomain): string | undefined {
  const parsed = parseCertificate(der);
  if (!parsed.ok) return parsed.problem;
  const own = checkAuthorityProfile(parsed.value);
  if (!own.ok) return own.problem.message;
  const foreign = own.value !== undefined && !own.value.equals(trustDomain);
  return foreign ? `it is a root of trust domain ${own.value.name}` : undefined;
}
