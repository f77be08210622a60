import { RampartError } from '@rampart/core';
import { verifySignature } from '../signature.ts';
import { checkAuthorityProfile } from '../svid/authority-profile.ts';
import { checkWorkloadProfile } from '../svid/workload-profile.ts';
import { type ParsedCertificate, parseCertificate } from '../certificate/parsed-certificate.ts';
import type { CertificateTemplate } from './template.ts';

/**
 * Reads a fresh certificate back as a peer would, holds it against its template and answers with what was read.
 * @throws RampartError INTERNAL when it must not leave.
 */
export function checkBuilt(der: Uint8Array, template: CertificateTemplate): ParsedCertificate {
  const parsed = parseCertificate(der);
  if (!parsed.ok) throw unfit(parsed.problem);
  const certificate = parsed.value;
  checkSignature(certificate, template.kind === 'root' ? certificate : template.issuer);
  if (Buffer.compare(certificate.publicKey.der, template.publicKeyDer) !== 0)
    throw unfit('it holds another public key');
  const identity =
    template.kind === 'root' || template.kind === 'intermediate' ? authorityOf(certificate) : workloadOf(certificate);
  const asked = template.kind === 'root' || template.kind === 'intermediate' ? template.trustDomain : template.spiffeId;
  if (identity !== asked.toString()) throw unfit(`it names ${identity}, not ${asked.toString()}`);
  return certificate;
}

function checkSignature(
  { signatureAlgorithm: algorithm, tbs: data, signature }: ParsedCertificate,
  issuer: ParsedCertificate,
): void {
  if (!verifySignature({ algorithm, data, signature }, issuer.publicKey)) {
    throw unfit('the signature is not by the key of its issuer');
  }
}

function authorityOf(certificate: ParsedCertificate): string {
  const trustDomain = checkAuthorityProfile(certificate);
  if (!trustDomain.ok) throw unfit(trustDomain.problem.message);
  return trustDomain.value?.toString() ?? 'no trust domain';
}

function workloadOf(certificate: ParsedCertificate): string {
  const spiffeId = checkWorkloadProfile(certificate);
  if (!spiffeId.ok) throw unfit(spiffeId.problem.message);
  return spiffeId.value.toString();
}

function unfit(why: string): RampartError {
  return new RampartError('INTERNAL', `a certificate that was just built is not fit to leave: ${why}`);
}
