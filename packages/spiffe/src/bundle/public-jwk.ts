import { createPublicKey, type KeyObject } from 'node:crypto';

/** The public keys that JWT-SVIDs may be signed with, as JSON Web Keys (RFC 7518 §6) without any further member. */
export type PublicJwk = EcPublicJwk | RsaPublicJwk;

/** Coordinates are base64url, as long as the curve's field. */
export interface EcPublicJwk {
  readonly kty: 'EC';
  readonly crv: EcCurve;
  readonly x: string;
  readonly y: string;
}

/** Modulus and exponent are base64url. */
export interface RsaPublicJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
}

export type EcCurve = 'P-256' | 'P-384' | 'P-521';

/** RFC 7518 §3.3 and §3.5. */
const LEAST_RSA_BITS = 2048;
/** Verifying with a larger one is work that a stranger could demand. */
const MOST_RSA_BITS = 8192;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/**
 * The public key in a JSON Web Key, everything else left out. Undefined when it is none that could verify a JWT-SVID: of another
 * type or curve, off its curve, RSA below 2048 or above 8192 bits.
 */
export function readPublicJwk(key: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  const jwk = membersOf(key);
  return jwk !== undefined && isSound(jwk) ? jwk : undefined;
}

/** The JSON Web Key of a SubjectPublicKeyInfo (DER); undefined when it is none that could verify a JWT-SVID. */
export function toPublicJwk(publicKeyDer: Uint8Array): PublicJwk | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
    return readPublicJwk({ ...key.export({ format: 'jwk' }) });
  } catch {
    return undefined;
  }
}

/** @throws Error of node:crypto when the key is unsound; those of `readPublicJwk` never are. */
export function keyObjectOf(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' });
}

function membersOf({ kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  if (kty === 'EC' && isCurve(crv) && isBase64Url(x) && isBase64Url(y)) return { kty, crv, x, y };
  return kty === 'RSA' && isBase64Url(n) && isBase64Url(e) ? { kty, n, e } : undefined;
}

function isSound(jwk: PublicJwk): boolean {
  try {
    const key = keyObjectOf(jwk);
    if (jwk.kty === 'EC') return true;
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= LEAST_RSA_BITS && bits <= MOST_RSA_BITS;
  } catch {
    return false;
  }
}

function isCurve(value: unknown): value is EcCurve {
  return value === 'P-256' || value === 'P-384' || value === 'P-521';
}

function isBase64Url(value: unknown): value is string {
  return typeof value === 'string' && BASE64URL.test(value);
}
