import { ok, type Result, SpiffeId } from '@rampart/core';
import { type ParsedCertificate, unhonouredExtensions } from '../certificate/parsed-certificate.ts';
import { OID } from '../der/oid.ts';
import { refuse, type SvidProblem } from './problem.ts';

type Check = (certificate: ParsedCertificate) => { readonly ok: false; readonly problem: SvidProblem } | undefined;

/** X509-SVID.md §3 and §4, leaf column; in the order in which the most telling reason comes first. */
const CHECKS: readonly Check[] = [isNotCa, maySignHandshakes, servesBothSides, marksItsOnlyNameCritical, isUnderstood];

/**
 * The rules that the SPIFFE X509-SVID standard sets for a certificate that authenticates a workload: exactly one URI SAN,
 * a SPIFFE ID with a path; not a CA; keyUsage critical with digitalSignature and without keyCertSign and cRLSign; an extended
 * key usage, if any, with both serverAuth and clientAuth. Says nothing about signature or time: see `verifySvid`.
 */
export function checkWorkloadProfile(certificate: ParsedCertificate): Result<SpiffeId, SvidProblem> {
  for (const check of CHECKS) {
    const refusal = check(certificate);
    if (refusal !== undefined) return refusal;
  }
  return onlySpiffeId(certificate);
}

function isNotCa(certificate: ParsedCertificate): ReturnType<Check> {
  if (!certificate.isCa) return undefined;
  return refuse('CA_CERTIFICATE', 'a CA certificate cannot authenticate a workload');
}

function maySignHandshakes({ keyUsage, criticalExtensions }: ParsedCertificate): ReturnType<Check> {
  if (keyUsage === undefined || !criticalExtensions.has(OID.keyUsage)) {
    return refuse('BAD_KEY_USAGE', 'the key usage is missing or not marked critical');
  }
  if (!keyUsage.has('digitalSignature')) return refuse('BAD_KEY_USAGE', 'the key usage lacks digitalSignature');
  if (!keyUsage.has('keyCertSign') && !keyUsage.has('cRLSign')) return undefined;
  return refuse('BAD_KEY_USAGE', 'the key usage of a workload must not allow keyCertSign or cRLSign');
}

function servesBothSides({ extendedKeyUsage }: ParsedCertificate): ReturnType<Check> {
  const complete =
    extendedKeyUsage === undefined ||
    (extendedKeyUsage.includes(OID.serverAuth) && extendedKeyUsage.includes(OID.clientAuth));
  return complete ? undefined : refuse('BAD_KEY_USAGE', 'the extended key usage lacks serverAuth or clientAuth');
}

function marksItsOnlyNameCritical({ hasEmptySubject, criticalExtensions }: ParsedCertificate): ReturnType<Check> {
  if (!hasEmptySubject || criticalExtensions.has(OID.subjectAltName)) return undefined;
  return refuse('MALFORMED', 'the subject is empty and the subject alternative name is not marked critical');
}

function isUnderstood(certificate: ParsedCertificate): ReturnType<Check> {
  const [first] = unhonouredExtensions(certificate);
  return first === undefined ? undefined : refuse('MALFORMED', `extension ${first} cannot be honoured`);
}

function onlySpiffeId({ uriSans }: ParsedCertificate): Result<SpiffeId, SvidProblem> {
  const [uri] = uriSans;
  if (uri === undefined) return refuse('NO_URI_SAN', 'there is no URI in the subject alternative name');
  if (uriSans.length > 1)
    return refuse('MULTIPLE_URI_SANS', `there are ${uriSans.length} URIs in the subject alternative name`);
  const id = SpiffeId.parse(uri);
  if (!id.ok) return refuse('NOT_A_SPIFFE_ID', `the URI is not a SPIFFE ID: ${id.problem}`);
  if (id.value.path === '') return refuse('NOT_A_SPIFFE_ID', 'the SPIFFE ID names a trust domain, not a workload');
  return ok(id.value);
}
