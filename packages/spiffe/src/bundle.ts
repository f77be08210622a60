import { fail, ok, type Result, type TrustDomain } from '@rampart/core';
import { parseCertificate } from './certificate/parsed-certificate.ts';
import { toPem } from './pem.ts';
import { checkAuthorityProfile } from './svid/authority-profile.ts';

/** The roots of one trust domain at one moment (SPIFFE_Trust_Domain_and_Bundle.md). */
export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  /** DER certificates. An empty bundle trusts nobody. */
  readonly roots: readonly Uint8Array[];
  /** Grows with every change of the contents. */
  readonly sequence: number;
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

function rootProblem(der: Uint8Array, trustDomain: TrustDomain): string | undefined {
  const parsed = parseCertificate(der);
  if (!parsed.ok) return parsed.problem;
  const own = checkAuthorityProfile(parsed.value);
  if (!own.ok) return own.problem.message;
  const foreign = own.value !== undefined && !own.value.equals(trustDomain);
  return foreign ? `it is a root of trust domain ${own.value.name}` : undefined;
}
