import { constants, hash, type KeyObject, sign, verify } from 'node:crypto';

/** What evidence of an attestation is bound to: one challenge of one server, and one certificate signing request. */
export interface PossessionBinding {
  /** Keeps what is signed for one purpose from being taken for another. */
  readonly label: 'rampart x509pop v1' | 'rampart aws-iam v1';
  /** Name of the trust domain that gave out the nonce. */
  readonly trustDomain: string;
  readonly nonce: Uint8Array;
  readonly csr: Uint8Array;
}

/** label, a zero byte, trust domain, a zero byte, SHA-256 of the nonce, SHA-256 of the request (AttestRequest of control.proto). */
function bindingOf({ label, trustDomain, nonce, csr }: PossessionBinding): Uint8Array {
  const digests = [nonce, csr].map((bytes) => hash('sha256', bytes, 'buffer'));
  return new Uint8Array(Buffer.concat([Buffer.from(`${label}\0${trustDomain}\0`), ...digests]));
}

/** The SHA-256 of a binding in base64url, where it has to be text. */
export function bindingText(binding: PossessionBinding): string {
  return hash('sha256', bindingOf(binding), 'base64url');
}

/**
 * Signs with the key that is to be proved: ECDSA (DER) with the hash of the curve's size, RSA-PSS with SHA-256 and a salt of 32
 * bytes, Ed25519. Throws an `Error` for keys of any other kind.
 */
export function provePossession(key: KeyObject, binding: PossessionBinding): Uint8Array {
  const scheme = schemeOf(key);
  if (scheme === undefined) throw new Error('the key must be EC (P-256, P-384, P-521), RSA or Ed25519');
  return new Uint8Array(sign(scheme.digest, bindingOf(binding), { key, ...scheme.options }));
}

/** Whether a signature was made by `provePossession`; false for keys of any other kind. */
export function verifyPossession(key: KeyObject, binding: PossessionBinding, signature: Uint8Array): boolean {
  const scheme = schemeOf(key);
  if (scheme === undefined) return false;
  try {
    return verify(scheme.digest, bindingOf(binding), { key, ...scheme.options }, signature);
  } catch {
    return false;
  }
}

interface Scheme {
  readonly digest: string | null;
  readonly options: { readonly padding?: number; readonly saltLength?: number };
}

const CURVES: ReadonlyMap<string | undefined, string> = new Map([
  ['prime256v1', 'sha256'],
  ['secp384r1', 'sha384'],
  ['secp521r1', 'sha512'],
]);
const SALT_BYTES = 32;

function schemeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Scheme | undefined {
  if (asymmetricKeyType === 'ed25519') return { digest: null, options: {} };
  if (asymmetricKeyType === 'rsa') {
    return { digest: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_BYTES } };
  }
  const digest = CURVES.get(asymmetricKeyDetails?.namedCurve);
  return asymmetricKeyType === 'ec' && digest !== undefined ? { digest, options: {} } : undefined;
}
