import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { OID } from './der/oid.ts';
import { readOid } from './der/primitives.ts';
import type { DerReader } from './der/reader.ts';
import { TAG } from './der/tag.ts';
import { toPem } from './pem.ts';
import type { PublicKeyInfo } from './public-key-info.ts';

/** Accepted signature algorithms (RFC 5758 §3.2) and their digest for node:crypto. */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  [OID.ecdsaWithSha256, 'sha256'],
  [OID.ecdsaWithSha384, 'sha384'],
]);

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
  // ECDSA takes no parameters (RFC 5758 §3.2); for algorithms that are not accepted anyway they may be anything.
  if (!fields.done && !DIGESTS.has(name)) fields.any(what);
  fields.end(what);
  return { name, encoded: fields.encoded };
}

/** Whether `signature` over `data` was made with `key`: false for every other algorithm, key kind or broken key. */
export function verifySignature(
  signed: { readonly algorithm: string; readonly data: Uint8Array; readonly signature: Uint8Array },
  key: PublicKeyInfo,
): boolean {
  const digest = DIGESTS.get(signed.algorithm);
  const publicKey = toPublicKey(key);
  if (digest === undefined || publicKey === undefined) return false;
  try {
    return verify(digest, signed.data, publicKey, signed.signature);
  } catch {
    return false;
  }
}

/** The key for node:crypto; undefined when the kind is not accepted or the point is not on its curve. */
export function toPublicKey(key: PublicKeyInfo): KeyObject | undefined {
  if (key.kind === 'other') return undefined;
  const known = imported.get(key);
  if (known !== undefined) return known;
  try {
    // OpenSSL 3 reads PEM in half the time of DER, for which it tries every decoder.
    const publicKey = createPublicKey(toPem(key.der, 'PUBLIC KEY'));
    imported.set(key, publicKey);
    return publicKey;
  } catch {
    return undefined;
  }
}
