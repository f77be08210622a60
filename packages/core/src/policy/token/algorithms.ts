/** What a JSON Web Key must be to verify a signature of an algorithm (RFC 7518 §3.1, RFC 8037). */
interface KeyShape {
  readonly type: 'RSA' | 'EC' | 'OKP' | 'oct';
  readonly curve?: string;
}

const RSA: KeyShape = { type: 'RSA' };
const SECRET: KeyShape = { type: 'oct' };
const ED25519: KeyShape = { type: 'OKP', curve: 'Ed25519' };

/** Every algorithm that a token may be signed with. */
export type SignatureAlgorithm = `${'RS' | 'PS' | 'ES' | 'HS'}${256 | 384 | 512}` | 'EdDSA' | 'Ed25519';

/** The type of the key decides, so that a public key is never taken for a secret. */
const SHAPES: Readonly<Record<SignatureAlgorithm, KeyShape>> = {
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  ES256: { type: 'EC', curve: 'P-256' },
  ES384: { type: 'EC', curve: 'P-384' },
  ES512: { type: 'EC', curve: 'P-521' },
  EdDSA: ED25519,
  Ed25519: ED25519,
  HS256: SECRET,
  HS384: SECRET,
  HS512: SECRET,
};

export function isSignatureAlgorithm(name: string): name is SignatureAlgorithm {
  return Object.hasOwn(SHAPES, name);
}

export function keyShape(algorithm: SignatureAlgorithm): KeyShape {
  return SHAPES[algorithm];
}
