import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { OID } from './der/oid.ts';
import { readOid } from './der/primitives.ts';
import type { DerReader } from './der/reader.ts';
import { TAG } from './der/tag.ts';
import { toPem } from './pem.ts';
import type { PublicKeyInfo, PublicKeyKind } from './public-key-info.ts';

interface Accepted {
  /** For node:crypto. */
  readonly digest: string;
  /** Of the key that it is made with. */
  readonly kinds: readonly PublicKeyKind[];
}

const EC: readonly PublicKeyKind[] = ['ec-p256', 'ec-p384'];
const RSA: readonly PublicKeyKind[] = ['rsa'];

/** Accepted signature algorithms (RFC 5758 §3.2; RFC 8017 §8.2, which authorities elsewhere use). Nothing here signs with RSA. */
const ACCEPTED: ReadonlyMap<string, Accepted> = new Map([
  [OID.ecdsaWithSha256, { digest: 'sha256', kinds: EC }],
  [OID.ecdsaWithSha384, { digest: 'sha384', kinds: EC }],
  [OID.rsaWithSha256, { digest: 'sha256', kinds: RSA }],
  [OID.rsaWithSha384, { digest: 'sha384', kinds: RSA }],
  [OID.rsaWithSha512, { digest: 'sha512', kinds: RSA }],
]);

/** Shorter ones can be broken; longer ones are work that a stranger could demand. */
const RSA_BITS = { least: 2048, most: 8192 };

/** Reading a key costs half as much as using it; an issuer's is used for all that it signs. */
const imported = new WeakMap<PublicKeyInfo, KeyObject>();

/** An AlgorithmIdentifier: the dotted algorithm and the whole encoding, parameters included. */
export interface SignatureAlgorithm {
  readonly name: string;
  readonly encoded: Uint8Array;
}

export function readSignatureAlgorithm(reader: DerReader): SignatureAlgorithm {
  const what = 'the signature algorithm';
  const fields = reader.enter(TAG.sequence, what);
  const name = readOid(fields, what);
  const accepted = ACCEPTED.get(name);
  // ECDSA takes no parameters (RFC 5758 §3.2), RSA takes NULL (RFC 4055 §5); of what is not accepted anyway they may be anything.
  if (accepted?.kinds === RSA && !fields.done) fields.enter(TAG.null, what).end(what);
  if (accepted === undefined && !fields.done) fields.any(what);
  fields.end(what);
  return { name, encoded: fields.encoded };
}

/** Something signed. */
export interface Signed {
  /** Dotted signature algorithm. */
  readonly algorithm: string;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

/** Whether `signature` over `data` was made with `key`: false for every other algorithm, key kind or broken key. */
export function verifySignature(signed: Signed, key: PublicKeyInfo): boolean {
  return verifyWith(toPublicKey(key), signed, key.kind);
}

/** The same for a key that is met once, and must not be RSA: nothing of it is kept. */
export function verifySignatureOnce(signed: Signed, key: PublicKeyInfo): boolean {
  return key.kind !== 'rsa' && verifyWith(pemOf(key), signed, key.kind);
}

function verifyWith(key: KeyObject | string | undefined, signed: Signed, kind: PublicKeyKind): boolean {
  const accepted = ACCEPTED.get(signed.algorithm);
  if (key === undefined || accepted === undefined || !accepted.kinds.includes(kind)) return false;
  try {
    return verify(accepted.digest, signed.data, key, signed.signature);
  } catch {
    return false;
  }
}

/** The key for node:crypto; undefined when the kind is not accepted, the point is not on its curve, or an RSA key is too short or too long. */
export function toPublicKey(key: PublicKeyInfo): KeyObject | undefined {
  if (key.kind === 'other') return undefined;
  const known = imported.get(key);
  if (known !== undefined) return known;
  try {
    const publicKey = createPublicKey(pemOf(key));
    if (key.kind === 'rsa' && !isRsaLength(publicKey.asymmetricKeyDetails?.modulusLength)) return undefined;
    imported.set(key, publicKey);
    return publicKey;
  } catch {
    return undefined;
  }
}

/** OpenSSL 3 reads PEM in half the time of DER, for which it tries every decoder. */
function pemOf(key: PublicKeyInfo): string {
  return toPem(key.der, 'PUBLIC KEY');
}

function isRsaLength(bits: number | undefined): boolean {
  return bits !== undefined && bits >= RSA_BITS.least && bits <= RSA_BITS.most;
}
