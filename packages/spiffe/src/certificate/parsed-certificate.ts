import { fail, type Result } from '@rampart/core';
import { OID } from '../der/oid.ts';
import { readOctetAlignedBits } from '../der/primitives.ts';
import { decodeDer, DerProblem, type DerReader } from '../der/reader.ts';
import { TAG } from '../der/tag.ts';
import { readSignatureAlgorithm } from '../signature.ts';
import { readSignedFields, type SignedFields } from './signed-fields.ts';

/** An X.509 v3 certificate (RFC 5280 §4.1), read but not yet judged. Byte fields are views of one private copy: do not write to them. */
export interface ParsedCertificate extends SignedFields {
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** Dotted signature algorithm. */
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
}

/** Far above any SVID; keeps a hostile peer from making us read megabytes. */
const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** Reads one certificate. Only strict DER of version 3 passes; anything else, trailing bytes included, is a problem in words. */
export function parseCertificate(der: Uint8Array): Result<ParsedCertificate, string> {
  if (der.length > MAX_CERTIFICATE_BYTES) return fail(`the certificate is larger than ${MAX_CERTIFICATE_BYTES} bytes`);
  // A copy, so that whoever owns the buffer cannot change the certificate between its check and its use.
  const copy = new Uint8Array(der);
  return decodeDer(copy, (reader) => readCertificate(copy, reader));
}

/** Dotted names of the extensions that nothing here honours and that therefore make the certificate unusable. */
export function unhonouredExtensions(certificate: ParsedCertificate): readonly string[] {
  const { criticalExtensions, unknownExtensions } = certificate;
  // Name constraints limit what a CA may issue: ignoring them would widen its power even when they are not marked critical.
  return [...unknownExtensions].filter((name) => criticalExtensions.has(name) || name === OID.nameConstraints);
}

function readCertificate(der: Uint8Array, reader: DerReader): ParsedCertificate {
  const outer = reader.enter(TAG.sequence, 'the certificate');
  const signedPart = outer.enter(TAG.sequence, 'the signed part');
  const fields = readSignedFields(signedPart);
  const algorithm = readSignatureAlgorithm(outer);
  if (Buffer.compare(algorithm.encoded, fields.innerAlgorithm) !== 0)
    throw new DerProblem('the two signature algorithms differ');
  const signature = readOctetAlignedBits(outer, 'the signature');
  outer.end('the certificate');
  return { ...fields, der, tbs: signedPart.encoded, signatureAlgorithm: algorithm.name, signature };
}
