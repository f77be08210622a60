import type { EcCurve, PublicJwk } from '../bundle/public-jwk.ts';

/** The nine algorithms that a JWT-SVID may be signed with (JWT-SVID.md §2.1): no secrets, no EdDSA, no `none`. */
export type JwtSvidAlgorithm = `${'RS' | 'ES' | 'PS'}${256 | 384 | 512}`;

/** The one curve of each ECDSA algorithm (RFC 7518 §3.4); undefined for RSA. */
const CURVES: Readonly<Record<JwtSvidAlgorithm, EcCurve | undefined>> = {
  RS256: undefined,
  RS384: undefined,
  RS512: undefined,
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  PS256: undefined,
  PS384: undefined,
  PS512: undefined,
};

/** What a key signs with: ECDSA as its curve says, RSASSA-PKCS1-v1_5 with SHA-256 by RSA, which every reader knows. */
export function algorithmOf(jwk: PublicJwk): JwtSvidAlgorithm {
  if (jwk.kty === 'RSA') return 'RS256';
  return ({ 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const)[jwk.crv];
}

export function isJwtSvidAlgorithm(name: unknown): name is JwtSvidAlgorithm {
  return typeof name === 'string' && Object.hasOwn(CURVES, name);
}

/** The key decides which algorithms are its own, never the token alone. */
export function fitsAlgorithm(jwk: PublicJwk, algorithm: JwtSvidAlgorithm): boolean {
  const curve = CURVES[algorithm];
  return curve === undefined ? jwk.kty === 'RSA' : jwk.kty === 'EC' && jwk.crv === curve;
}
