import { ok, type Result, SpiffeId, type TrustDomain } from '@rampart/core';
import { type ParsedCertificate, unhonouredExtensions } from '../certificate/parsed-certificate.ts';
import { OID } from '../der/oid.ts';
import { refuse, type SvidProblem } from './problem.ts';

/**
 * The rules for a certificate that signs others (X509-SVID.md, signing column): CA, keyUsage critical with keyCertSign, and a
 * SPIFFE ID, if any, that is a bare trust domain. Gives that trust domain, or undefined when the certificate names none.
 */
export function checkAuthorityProfile(certificate: ParsedCertificate): Result<TrustDomain | undefined, SvidProblem> {
  const { isCa, keyUsage, criticalExtensions } = certificate;
  if (!isCa || !criticalExtensions.has(OID.basicConstraints)) return refuse('UNTRUSTED', 'the issuer is not a CA');
  if (!(keyUsage?.has('keyCertSign') ?? false) || !criticalExtensions.has(OID.keyUsage)) {
    return refuse('BAD_KEY_USAGE', 'the key usage of the issuer lacks keyCertSign or is not marked critical');
  }
  const [first] = unhonouredExtensions(certificate);
  if (first !== undefined) return refuse('UNTRUSTED', `extension ${first} of the issuer cannot be honoured`);
  return ownTrustDomain(certificate);
}

function ownTrustDomain({ uriSans }: ParsedCertificate): Result<TrustDomain | undefined, SvidProblem> {
  const [uri] = uriSans;
  if (uri === undefined) return ok(undefined);
  if (uriSans.length > 1)
    return refuse('MULTIPLE_URI_SANS', 'the issuer has several URIs in its subject alternative name');
  const id = SpiffeId.parse(uri);
  if (!id.ok) return refuse('NOT_A_SPIFFE_ID', `the URI of the issuer is not a SPIFFE ID: ${id.problem}`);
  if (id.value.path !== '') return refuse('NOT_A_SPIFFE_ID', 'the SPIFFE ID of the issuer has a path');
  return ok(id.value.trustDomain);
}
