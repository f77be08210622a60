import { fail, ok } from '@rampart/core';
import type { Result, SpiffeId, TrustDomain } from '@rampart/core';
import { checkWorkloadProfile, parseCertificate, verifySvid } from '@rampart/spiffe';
import type { ParsedCertificate, RevocableCertificate, SvidProblem } from '@rampart/spiffe';

/** Who the other end of a connection has proved to be. */
export interface PeerIdentity extends RevocableCertificate {
  /** Unix milliseconds; the identity ends here even if the connection does not. */
  readonly notAfter: number;
}

/** What a peer's certificate is held against beyond its signature chain. */
export interface PeerRules {
  readonly trustDomain: TrustDomain;
  /** Why the certificate is revoked; undefined when it is not. */
  revocationOf(certificate: RevocableCertificate): string | undefined;
  now(): number;
}

/** What a peer's chain is held against where TLS judges nobody, because peers may be of several trust domains. */
export interface ChainRules extends PeerRules {
  /** Roots of this trust domain itself, DER. */
  readonly roots: readonly Uint8Array[];
  /** Roots of a federated trust domain; undefined when there is no trust in it. */
  foreignRootsOf(trustDomain: TrustDomain): readonly Uint8Array[] | undefined;
}

/**
 * Judges a peer's whole chain, leaf first, by the bundle of the trust domain that its own leaf names, and by no other: a root of
 * one domain vouches for nobody of another (SPIFFE_Federation.md, X509-SVID.md §5).
 */
export function identifyByChain(chain: readonly Uint8Array[], rules: ChainRules): Result<PeerIdentity, SvidProblem> {
  const named = trustDomainOf(chain[0]);
  const isForeign = named !== undefined && !named.equals(rules.trustDomain);
  const roots = isForeign ? rules.foreignRootsOf(named) : rules.roots;
  if (named !== undefined && roots === undefined) {
    return fail({ code: 'WRONG_TRUST_DOMAIN', message: `there is no trust in trust domain ${named.name}` });
  }
  const verified = verifySvid(chain, {
    roots: roots ?? [],
    trustDomain: named ?? rules.trustDomain,
    at: rules.now(),
  });
  if (!verified.ok) return verified;
  const { spiffeId, leaf, notAfter } = verified.value;
  return unlessRevoked({ ...revocableOf(leaf, spiffeId), notAfter }, rules);
}

function revocableOf(
  { serial, notBefore, authorityKeyId }: ParsedCertificate,
  spiffeId: SpiffeId,
): RevocableCertificate {
  return { serial, spiffeId, notBefore, authorityKeyId };
}

function unlessRevoked(peer: PeerIdentity, rules: PeerRules): Result<PeerIdentity, SvidProblem> {
  const revocation = rules.revocationOf(peer);
  return revocation === undefined ? ok(peer) : fail({ code: 'REVOKED', message: revocation });
}

function trustDomainOf(leaf: Uint8Array | undefined): TrustDomain | undefined {
  const parsed = leaf === undefined ? undefined : parseCertificate(leaf);
  const profile = parsed?.ok === true ? checkWorkloadProfile(parsed.value) : undefined;
  return profile?.ok === true ? profile.value.trustDomain : undefined;
}

/**
 * Reads the identity from a leaf certificate whose chain TLS has already verified (X.509-SVID §5).
 * Validity is judged again here because a resumed TLS session skips the chain verification.
 */
export function identifyPeer(der: Uint8Array | undefined, rules: PeerRules): Result<PeerIdentity, SvidProblem> {
  if (der === undefined) return fail({ code: 'NO_CERTIFICATE', message: 'the peer presented no certificate' });
  const parsed = parseCertificate(der);
  if (!parsed.ok) return fail({ code: 'MALFORMED', message: parsed.problem });
  const certificate = parsed.value;
  const profile = checkWorkloadProfile(certificate);
  if (!profile.ok) return profile;
  const spiffeId = profile.value;
  if (!spiffeId.trustDomain.equals(rules.trustDomain)) {
    return fail({
      code: 'WRONG_TRUST_DOMAIN',
      message: `${spiffeId.toString()} is not of trust domain ${rules.trustDomain.name}`,
    });
  }
  const now = rules.now();
  if (now > certificate.notAfter)
    return fail({ code: 'EXPIRED', message: `the certificate of ${spiffeId.toString()} has expired` });
  if (now < certificate.notBefore) {
    return fail({ code: 'NOT_YET_VALID', message: `the certificate of ${spiffeId.toString()} is not valid yet` });
  }
  return unlessRevoked({ ...revocableOf(certificate, spiffeId), notAfter: certificate.notAfter }, rules);
}
