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

/** What a request must hold to; stable, for records and tests. */
export type CsrRule =
  | 'csr-size'
  | 'csr-malformed'
  | 'csr-key-type'
  | 'csr-curve'
  | 'csr-point'
  | 'csr-signature-algorithm'
  | 'csr-signature'
  | 'csr-authority'
  | 'csr-trust-domain';

/** Why a request is refused. */
export interface CsrProblem {
  readonly rule: CsrRule;
  /** Holds nothing of the request but its kind of key. */
  readonly message: string;
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
export function parseCsr(der: Uint8Array): Result<CertificateRequest, CsrProblem> {
  if (der.length > MAX_CSR_BYTES) return refuse('csr-size', `it is larger than ${MAX_CSR_BYTES} bytes`);
  const parsed = decodeDer(new Uint8Array(der), readRequest);
  if (!parsed.ok) return refuse('csr-malformed', parsed.problem);
  const { key, ...signed } = parsed.value;
  const wrongKey = keyProblem(key);
  if (wrongKey !== undefined) return fail(wrongKey);
  if (signed.algorithm !== OID.ecdsaWithSha256) {
    return refuse('csr-signature-algorithm', 'it is not signed with ecdsa-with-SHA256');
  }
  if (verifySignatureOnce(signed, key)) return ok({ publicKeyDer: new Uint8Array(key.der) });
  if (toPublicKey(key) === undefined) return refuse('csr-point', 'its key is not a point of P-256');
  return refuse('csr-signature', 'it is not signed by the key that it holds');
}

function keyProblem(key: PublicKeyInfo): CsrProblem | undefined {
  if (isUncompressedP256(key)) return undefined;
  switch (key.kind) {
    case 'ec-p256':
      return { rule: 'csr-point', message: 'the point of its key is not in uncompressed form' };
    case 'ec-p384':
    case 'ec-other':
      return { rule: 'csr-curve', message: 'its key is of another curve than P-256' };
    case 'rsa':
      return { rule: 'csr-key-type', message: 'its key is an RSA key' };
    case 'other':
      return { rule: 'csr-key-type', message: 'its key is no EC key' };
  }
}

function refuse(rule: CsrRule, message: string): Result<never, CsrProblem> {
  return fail({ rule, message });
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
