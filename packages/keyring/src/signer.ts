import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/** A private key that can be used and never seen. In memory, in an encrypted file, or in somebody else's hardware. */
export interface Signer {
  /** SubjectPublicKeyInfo of an EC P-256 key, DER. */
  readonly publicKeyDer: Uint8Array;
  /** ECDSA P-256 with SHA-256; the signature is the DER SEQUENCE of r and s (RFC 3279 §2.2.3). */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** A signer over a private key held by this process. The key stays inside the closure. */
export function signerOf(privateKey: KeyObject): Signer {
  const publicKeyDer = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  return {
    publicKeyDer,
    sign: (data) =>
      new Promise((resolve, reject) => {
        sign('sha256', data, privateKey, (error, signature) => {
          if (error === null) resolve(new Uint8Array(signature));
          else reject(error);
        });
      }),
  };
}
