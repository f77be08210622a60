import { constants, createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import type { DSAEncoding, KeyObject } from 'node:crypto';

/** Signature algorithms of RFC 9421 §3.3 (HTTP Signature Algorithms registry). */
export type HttpSignatureAlgorithm =
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256'
  | 'hmac-sha256'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'ed25519';

type Curve = 'prime256v1' | 'secp384r1';

interface Asymmetric {
  readonly digest: string | null;
  readonly options: { readonly padding?: number; readonly saltLength?: number; readonly dsaEncoding?: DSAEncoding };
  readonly fits: (key: KeyObject) => boolean;
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 };
/** r and s side by side, not a DER SEQUENCE (§3.3.4). */
const P1363 = { dsaEncoding: 'ieee-p1363' } as const;

const ASYMMETRIC: ReadonlyMap<HttpSignatureAlgorithm, Asymmetric> = new Map<HttpSignatureAlgorithm, Asymmetric>([
  ['rsa-pss-sha512', { digest: 'sha512', options: PSS, fits: isLongRsa }],
  ['rsa-v1_5-sha256', { digest: 'sha256', options: {}, fits: isLongRsa }],
  ['ecdsa-p256-sha256', { digest: 'sha256', options: P1363, fits: onCurve('prime256v1') }],
  ['ecdsa-p384-sha384', { digest: 'sha384', options: P1363, fits: onCurve('secp384r1') }],
  ['ed25519', { digest: null, options: {}, fits: (key) => key.asymmetricKeyType === 'ed25519' }],
]);

const LEAST_RSA_BITS = 2048;

function isLongRsa(key: KeyObject): boolean {
  const isRsa = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss';
  return isRsa && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS;
}

function onCurve(curve: Curve): (key: KeyObject) => boolean {
  return (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
}

/** What a public key signs by; the key decides, never the message (RFC 9421 §7.3.6). RSA means PSS. */
export function algorithmOf(key: KeyObject): HttpSignatureAlgorithm | undefined {
  for (const [algorithm, { fits }] of ASYMMETRIC) if (fits(key)) return algorithm;
  return undefined;
}

/** Whether the key is of the kind that the algorithm signs with. */
export function fitsAlgorithm(key: KeyObject, algorithm: HttpSignatureAlgorithm): boolean {
  if (algorithm === 'hmac-sha256') return key.type === 'secret';
  return key.type !== 'secret' && ASYMMETRIC.get(algorithm)?.fits(key) === true;
}

/** Signs with a key that fits. */
export function signBase(base: string, key: KeyObject, algorithm: HttpSignatureAlgorithm): Uint8Array {
  const data = Buffer.from(base);
  const known = ASYMMETRIC.get(algorithm);
  if (known === undefined) return createHmac('sha256', key).update(data).digest();
  return sign(known.digest, data, { key, ...known.options });
}

/** Whether the signature is this key's over the base; takes the same time however much of a shared secret's is right. */
export function isSignedBy(
  base: string,
  signature: Uint8Array,
  { key, algorithm }: { readonly key: KeyObject; readonly algorithm: HttpSignatureAlgorithm },
): boolean {
  const data = Buffer.from(base);
  const known = ASYMMETRIC.get(algorithm);
  if (known === undefined) {
    const expected = createHmac('sha256', key).update(data).digest();
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  return verify(known.digest, data, { key, ...known.options }, signature);
}
