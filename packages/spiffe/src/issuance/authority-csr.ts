import { fail, type Result, type TrustDomain } from '@rampart/core';
import { type CertificateExtensions, readExtensions } from '../certificate/extensions.ts';
import { readName } from '../certificate/name.ts';
import { type CertificateRequest, type CsrProblem, parseCsr } from '../csr.ts';
import { OID } from '../der/oid.ts';
import { readOid, readSmallInteger } from '../der/primitives.ts';
import { decodeDer, DerProblem, type DerReader } from '../der/reader.ts';
import { contextConstructedTag, TAG } from '../der/tag.ts';
import { readPublicKeyInfo } from '../public-key-info.ts';

/**
 * Reads a request as `parseCsr` does, and demands that it asks for what `createAuthorityRequest` asks for: an intermediate of
 * this trust domain. Whoever signs by hand must not make an authority of the request of a workload, or of another trust domain.
 */
export function parseAuthorityCsr(der: Uint8Array, trustDomain: TrustDomain): Result<CertificateRequest, CsrProblem> {
  const request = parseCsr(der);
  if (!request.ok) return request;
  const asked = decodeDer(new Uint8Array(der), readAskedExtensions);
  if (!asked.ok) return fail({ rule: 'csr-malformed', message: asked.problem });
  const { isCa, pathLength, keyUsage, subjectAltNames } = asked.value ?? {};
  if (isCa !== true || pathLength !== 0 || keyUsage?.has('keyCertSign') !== true) {
    return fail({
      rule: 'csr-authority',
      message:
        'it does not ask for an intermediate (CA with path length 0, keyCertSign); take that of "rampart ca request"',
    });
  }
  const uris = subjectAltNames?.uris ?? [];
  if (uris.length === 1 && uris[0] === `spiffe://${trustDomain.name}`) return request;
  const found = uris.length === 0 ? 'no trust domain' : JSON.stringify(uris[0]?.slice(0, 300));
  return fail({
    rule: 'csr-trust-domain',
    message: `it is for ${found}, and this root is that of spiffe://${trustDomain.name}`,
  });
}

/** Of the attribute extensionRequest (RFC 2985 §5.4.2); undefined without one. */
function readAskedExtensions(reader: DerReader): CertificateExtensions | undefined {
  const what = 'the certificate request';
  const outer = reader.enter(TAG.sequence, what);
  const info = outer.enter(TAG.sequence, what);
  readSmallInteger(info, 'the version');
  readName(info, 'the subject');
  readPublicKeyInfo(info);
  const attributes = info.enter(contextConstructedTag(0), 'the attributes');
  let asked: CertificateExtensions | undefined;
  while (!attributes.done) {
    const attribute = attributes.enter(TAG.sequence, 'an attribute');
    const name = readOid(attribute, 'the name of an attribute');
    if (name !== OID.extensionRequest) {
      attribute.any('an attribute');
      continue;
    }
    if (asked !== undefined) throw new DerProblem('the request asks for extensions twice');
    const values = attribute.enter(TAG.set, 'the extension request');
    asked = readExtensions(values.enter(TAG.sequence, 'the extension request'));
    values.end('the extension request');
  }
  while (!outer.done) outer.any(what);
  return asked;
}
