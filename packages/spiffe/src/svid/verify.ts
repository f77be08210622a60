import { ok, type Result, type SpiffeId, type TrustDomain } from '@rampart/core';
import { parseCertificate, type ParsedCertificate } from '../certificate/parsed-certificate.ts';
import { checkAuthorityProfile } from './authority-profile.ts';
import { buildPath } from './path.ts';
import { refuse, type SvidProblem } from './problem.ts';
import { checkWorkloadProfile } from './workload-profile.ts';

/** What a peer's chain is judged against. */
export interface SvidTrust {
  /** DER root certificates of one trust domain: never a pool of several. Unusable ones are passed over. */
  readonly roots: readonly Uint8Array[];
  /** Unix milliseconds. */
  readonly at: number;
  /** The domain of these roots. When absent it is the one that the roots themselves name. */
  readonly trustDomain?: TrustDomain;
  /** Asked for the serial (lower-case hex) of every certificate of the path below the root. */
  readonly isRevoked?: (serial: string) => boolean;
}

/** A peer that has been let in. */
export interface VerifiedSvid {
  readonly spiffeId: SpiffeId;
  readonly leaf: ParsedCertificate;
  /** Serials (lower-case hex) of the certificates between the leaf and the root. */
  readonly issuerSerials: readonly string[];
  /** Unix milliseconds after which some certificate of the path is no longer valid. */
  readonly notAfter: number;
}

interface Root {
  readonly certificate: ParsedCertificate;
  readonly trustDomain: TrustDomain | undefined;
}

type Refusal = ReturnType<typeof refuse>;

/** Leaf and intermediates; a longer chain is refused unread. */
const MAX_CHAIN = 8;

/**
 * Validates a chain, leaf first, each further certificate the issuer of the one before (RFC 5280 §6 without policies, and
 * the X509-SVID rules). What is wrong with the peer's own certificate is told before what is wrong with its issuers.
 */
export function verifySvid(chain: readonly Uint8Array[], trust: SvidTrust): Result<VerifiedSvid, SvidProblem> {
  const sent = readChain(chain);
  if (!sent.ok) return sent;
  const [leaf] = sent.value;
  const profile = checkWorkloadProfile(leaf);
  if (!profile.ok) return profile;
  const spiffeId = profile.value;
  const roots = rootsOf(spiffeId.trustDomain, trust);
  if (!roots.ok) return roots;
  const untimely = checkTime(leaf, trust.at, 'the certificate');
  if (untimely !== undefined) return untimely;
  const path = buildPath(sent.value, roots.value);
  if (!path.ok) return path;
  const refusal = checkIssuers(path.value, spiffeId.trustDomain, trust.at) ?? checkRevocation(path.value, trust);
  if (refusal !== undefined) return refusal;
  const issuerSerials = path.value.slice(1, -1).map(({ serial }) => serial);
  return ok({ spiffeId, leaf, issuerSerials, notAfter: Math.min(...path.value.map(({ notAfter }) => notAfter)) });
}

/** `verifySvid` for callers that hold nothing but roots: the SPIFFE ID of the peer at the time `at` (Unix milliseconds). */
export function verifyChain(
  chain: readonly Uint8Array[],
  roots: readonly Uint8Array[],
  at: number,
): Result<SpiffeId, SvidProblem> {
  const verified = verifySvid(chain, { roots, at });
  return verified.ok ? ok(verified.value.spiffeId) : verified;
}

/** Every certificate of a chain; a longer one than anybody sends is refused unread. */
export function readChain(
  chain: readonly Uint8Array[],
): Result<[ParsedCertificate, ...ParsedCertificate[]], SvidProblem> {
  if (chain.length > MAX_CHAIN) return refuse('MALFORMED', `the peer sent more than ${MAX_CHAIN} certificates`);
  const certificates: ParsedCertificate[] = [];
  for (const [index, der] of chain.entries()) {
    const parsed = parseCertificate(der);
    if (!parsed.ok) return refuse('MALFORMED', `certificate ${index + 1} of the chain: ${parsed.problem}`);
    certificates.push(parsed.value);
  }
  const [leaf, ...issuers] = certificates;
  return leaf === undefined ? refuse('NO_CERTIFICATE', 'the peer sent no certificate') : ok([leaf, ...issuers]);
}

/** The roots that may vouch for `domain`. A root that names another domain never does. */
export function rootsOf(domain: TrustDomain, trust: SvidTrust): Result<readonly ParsedCertificate[], SvidProblem> {
  const roots = trust.roots.flatMap(readRoot);
  const expected = trust.trustDomain ?? roots.find((root) => root.trustDomain !== undefined)?.trustDomain;
  if (expected !== undefined && !expected.equals(domain)) {
    return refuse('WRONG_TRUST_DOMAIN', `the peer is of trust domain ${domain.name}, not ${expected.name}`);
  }
  const usable = roots.filter((root) => root.trustDomain === undefined || root.trustDomain.equals(domain));
  if (usable.length === 0) return refuse('UNTRUSTED', `there is no root certificate for trust domain ${domain.name}`);
  return ok(usable.map((root) => root.certificate));
}

function readRoot(der: Uint8Array): readonly Root[] {
  const parsed = parseCertificate(der);
  if (!parsed.ok) return [];
  const trustDomain = checkAuthorityProfile(parsed.value);
  return trustDomain.ok ? [{ certificate: parsed.value, trustDomain: trustDomain.value }] : [];
}

function checkIssuers(path: readonly ParsedCertificate[], domain: TrustDomain, at: number): Refusal | undefined {
  for (const [index, issuer] of path.entries()) {
    const refusal = index === 0 ? undefined : checkIssuer(issuer, { domain, at, below: index - 1 });
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The rules for a certificate above the leaf, with `below` others between the two. */
export function checkIssuer(
  issuer: ParsedCertificate,
  { domain, at, below }: { readonly domain: TrustDomain; readonly at: number; readonly below: number },
): Refusal | undefined {
  const own = checkAuthorityProfile(issuer);
  if (!own.ok) return own;
  if (own.value !== undefined && !own.value.equals(domain)) {
    return refuse('WRONG_TRUST_DOMAIN', `the issuer is of trust domain ${own.value.name}, not ${domain.name}`);
  }
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    return refuse('UNTRUSTED', `an issuer allows ${issuer.pathLength} intermediates below it and there are ${below}`);
  }
  return checkTime(issuer, at, 'an issuer of the certificate');
}

function checkTime({ notBefore, notAfter }: ParsedCertificate, at: number, what: string): Refusal | undefined {
  if (at < notBefore)
    return refuse('NOT_YET_VALID', `${what} is not valid before ${new Date(notBefore).toISOString()}`);
  // Not "later than": a time that is no number must not pass.
  return at <= notAfter ? undefined : refuse('EXPIRED', `${what} expired at ${new Date(notAfter).toISOString()}`);
}

function checkRevocation(path: readonly ParsedCertificate[], { isRevoked }: SvidTrust): Refusal | undefined {
  const revoked = isRevoked === undefined ? undefined : path.slice(0, -1).find(({ serial }) => isRevoked(serial));
  return revoked === undefined
    ? undefined
    : refuse('REVOKED', `the certificate with serial ${revoked.serial} is revoked`);
}
