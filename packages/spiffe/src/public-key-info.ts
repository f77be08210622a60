import type { DerReader } from './der/reader.ts';
import { OID } from './der/oid.ts';
import { readOctetAlignedBits, readOid } from './der/primitives.ts';
import { TAG } from './der/tag.ts';

/** Kinds of public key. Certificates are signed with P-256, P-384 and RSA alone; explicit curve parameters are `ec-other`. */
export type PublicKeyKind = 'ec-p256' | 'ec-p384' | 'ec-other' | 'rsa' | 'other';

/** A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
export interface PublicKeyInfo {
  readonly der: Uint8Array;
  readonly kind: PublicKeyKind;
  /** The BIT STRING's content; for EC the encoded point. */
  readonly bits: Uint8Array;
}

const UNCOMPRESSED_POINT = 0x04;
const P256_POINT_OCTETS = 65;

export function readPublicKeyInfo(reader: DerReader): PublicKeyInfo {
  const what = 'the public key';
  const fields = reader.enter(TAG.sequence, what);
  const algorithm = fields.enter(TAG.sequence, 'the public key algorithm');
  const kind = readKind(algorithm);
  algorithm.end('the public key algorithm');
  const bits = readOctetAlignedBits(fields, what);
  fields.end(what);
  return { der: fields.encoded, kind, bits };
}

/** Rampart's own keys: EC P-256, uncompressed point (RFC 5480 §2.2). */
export function isUncompressedP256(key: PublicKeyInfo): boolean {
  return key.kind === 'ec-p256' && key.bits.length === P256_POINT_OCTETS && key.bits[0] === UNCOMPRESSED_POINT;
}

function readKind(algorithm: DerReader): PublicKeyKind {
  const name = readOid(algorithm, 'the public key algorithm');
  if (name === OID.ecPublicKey && algorithm.peek() === TAG.oid) {
    const curve = readOid(algorithm, 'the curve');
    if (curve === OID.p256) return 'ec-p256';
    return curve === OID.p384 ? 'ec-p384' : 'ec-other';
  }
  if (!algorithm.done) algorithm.any('the public key parameters');
  if (name === OID.ecPublicKey) return 'ec-other';
  return name === OID.rsaEncryption ? 'rsa' : 'other';
}
