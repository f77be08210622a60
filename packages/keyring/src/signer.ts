import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { RampartError } from '@rampart/core';

/**
 * The kinds of signing key: EC P-256 for certificates and JWT-SVIDs, Ed25519 for checkpoints and the like, RSA of 2048 bits for
 * JWT-SVIDs whose readers know nothing else.
 */
export type KeyType = 'ec-p256' | 'ed25519' | 'rsa-2048';

export const RSA_BITS = 2048;

/** A private key that can be used and never seen. In memory, in an encrypted file, or in somebody else's hardware. */
export interface Signer {
  readonly keyType: KeyType;
  /** SubjectPublicKeyInfo, DER (RFC 5480 §2, RFC 8410 §4, RFC 3279 §2.3.1). */
  readonly publicKeyDer: Uint8Array;
  /**
   * `ec-p256`: ECDSA with SHA-256, the DER SEQUENCE of r and s (RFC 3279 §2.2.3). `ed25519`: the 64 bytes of RFC 8032 §5.1.6.
   * `rsa-2048`: RSASSA-PKCS1-v1_5 with SHA-256, 256 bytes (RFC 8017 §8.2).
   * @throws RampartError KEY_UNREADABLE, UPSTREAM_UNREACHABLE when the key is in an external service that refuses or is away.
   */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * A signer over a private key held by this process. The key stays inside the closure.
 * @throws RampartError INVALID_ARGUMENT for any other kind of key.
 */
export function signerOf(privateKey: KeyObject): Signer {
  const keyType = keyTypeOf(privateKey);
  if (keyType === undefined)
    throw new RampartError('INVALID_ARGUMENT', 'a signing key is EC P-256, Ed25519 or RSA of 2048 bits');
  const publicKeyDer = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  return {
    keyType,
    publicKeyDer,
    sign: async (data) => {
      // At once on elliptic curves: a signature takes less than handing it to another thread and back. By RSA it takes forty times that.
      const isSlow = keyType === 'rsa-2048';
      const digest = digestOf(keyType);
      return new Uint8Array(isSlow ? await signElsewhere(digest, data, privateKey) : sign(digest, data, privateKey));
    },
  };
}

const signElsewhere = promisify(sign);

/** Undefined for a key that is of no accepted kind. */
export function keyTypeOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): KeyType | undefined {
  if (type === 'ed25519') return 'ed25519';
  if (type === 'rsa' && details?.modulusLength === RSA_BITS) return 'rsa-2048';
  return details?.namedCurve === 'prime256v1' ? 'ec-p256' : undefined;
}

/** What `node:crypto` wants to be told: Ed25519 hashes by itself. */
export function digestOf(keyType: KeyType): 'sha256' | null {
  return keyType === 'ed25519' ? null : 'sha256';
}
