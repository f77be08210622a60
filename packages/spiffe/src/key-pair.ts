import { generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A workload's own EC P-256 key. The private part stays in the process that made it. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Unencrypted PKCS#8 PEM, for the TLS context of this process only. Never log or store it. */
  privateKeyPem(): string;
}

export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicKey, privateKeyPem: () => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
