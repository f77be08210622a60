import { sign } from 'node:crypto';
import { fail, ok, type Result } from '@rampart/core';
import { readName } from './certificate/name.ts';
import { OID } from './der/oid.ts';
import { readOctetAlignedBits, readSmallInteger } from './der/primitives.ts';
import { decodeDer, DerProblem, type DerReader } from './der/reader.ts';
import { contextConstructedTag, TAG } from './der/tag.ts';
import { bitString, contextConstructed, oid, sequence, smallInteger } from './der/writer.ts';
import type { KeyPair } from './key-pair.ts';
import { isUncompressedP256, type PublicKeyInfo, readPublicKeyInfo } from './public-key-info.ts';
import { readSignatureAlgorithm, toPublicKey, verifySignatureOnce } from './signature.ts';

/** What a certificate signing request is good for here: a public key whose private part the sender holds. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
}

/** Names and attributes of a request are ignored, so there is no reason for a larger one. */
const MAX_CSR_BYTES = 8 * 1024;

/**
 * PKCS#10 request (RFC 2986), DER, signed ecdsa-with-SHA256 with the pair's EC P-256 key. Subject and attributes are empty:
 * the authority decides who the sender is from its attestation, never from what the request claims.
 */
export function createCsr(key: KeyPair): Uint8Array {
  const publicKey = new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
  const info = sequence(smallInteger(0), sequence(), publicKey, contextConstructed(0));
  const signature = new Uint8Array(sign('sha256', info, key.privateKey));
  return sequence(info, sequence(oid(OID.ecdsaWithSha256)), bitString(signature));
}

/**
 * Reads a PKCS#10 request and verifies that its sender holds the private key. Accepts only EC P-256 with an uncompressed
 * point and ecdsa-with-SHA256; what the request says about names or extensions is ignored.
 */
export function parseCsr(der: Uint8Array): Result<CertificateRequest, string> {
  if (der.length > MAX_CSR_BYTES) return fail(`the certificate request is larger than ${MAX_CSR_BYTES} bytes`);
  const parsed = decodeDer(new Uint8Array(der), readRequest);
  if (!parsed.ok) return parsed;
  const { key, ...signed } = parsed.value;
  if (!isUncompressedP256(key))
    return fail('the key of the certificate request is not EC P-256 with an uncompressed point');
  if (signed.algorithm !== OID.ecdsaWithSha256)
    return fail('the certificate request is not signed with ecdsa-with-SHA256');
  if (verifySignatureOnce(signed, key)) return ok({ publicKeyDer: new Uint8Array(key.der) });
  if (toPublicKey(key) === undefined) return fail('the key of the certificate request is not a point of P-256');
  return fail('the certificate request is not signed by the key that it holds');
}

interface SignedRequest {
  readonly key: PublicKeyInfo;
  readonly data: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

function readRequest(reader: DerReader): SignedRequest {
  const what = 'the certificate request';
  const outer = reader.enter(TAG.sequence, what);
  const info = outer.enter(TAG.sequence, what);
  if (readSmallInteger(info, 'the version') !== 0) throw new DerProblem(`${what} has an unknown version`);
  readName(info, 'the subject');
  const key = readPublicKeyInfo(info);
  const attributes = info.enter(contextConstructedTag(0), 'the attributes');
  while (!attributes.done) attributes.element(TAG.sequence, 'an attribute');
  info.end(what);
  const algorithm = readSignatureAlgorithm(outer).name;
  const signature = readOctetAlignedBits(outer, 'the signature');
  outer.end(what);
  return { key, data: info.encoded, algorithm, signature };
}
