import { ok, type Result } from '@rampart/core';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import { verifySignature } from '../signature.ts';
import { refuse, type SvidProblem } from './problem.ts';

/**
 * The path from leaf to root: at each step a root that signed, or else the next certificate that the peer sent. The order of
 * the chain is fixed, so there is nothing to search and at most one signature check per certificate and like-named root.
 */
export function buildPath(
  chain: readonly [ParsedCertificate, ...ParsedCertificate[]],
  roots: readonly ParsedCertificate[],
): Result<readonly ParsedCertificate[], SvidProblem> {
  const path: ParsedCertificate[] = [];
  for (const certificate of chain) {
    const child = path.at(-1);
    if (child !== undefined && !signed(certificate, child)) return refuse('UNTRUSTED', whyUntrusted(child));
    path.push(certificate);
    const root = roots.find((candidate) => signed(candidate, certificate));
    if (root !== undefined) return ok([...path, root]);
  }
  return refuse('UNTRUSTED', whyUntrusted(path.at(-1) ?? chain[0]));
}

function signed(issuer: ParsedCertificate, child: ParsedCertificate): boolean {
  if (Buffer.compare(issuer.subject, child.issuer) !== 0 || !sameKeyId(issuer, child)) return false;
  const { signatureAlgorithm: algorithm, tbs: data, signature } = child;
  return verifySignature({ algorithm, data, signature }, issuer.publicKey);
}

/** Key identifiers only tell issuers of the same name apart; the signature decides (RFC 5280 §4.2.1.1). */
function sameKeyId({ subjectKeyId }: ParsedCertificate, { authorityKeyId }: ParsedCertificate): boolean {
  return (
    subjectKeyId === undefined || authorityKeyId === undefined || Buffer.compare(subjectKeyId, authorityKeyId) === 0
  );
}

function whyUntrusted({ subject, issuer }: ParsedCertificate): string {
  return Buffer.compare(subject, issuer) === 0
    ? 'the chain ends in a self-signed certificate that is not among the roots of its trust domain'
    : 'the chain does not lead to a root of its trust domain';
}
