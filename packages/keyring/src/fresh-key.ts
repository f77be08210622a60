import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { KeyType } from './signer.ts';

/** A new private key of this process. */
export function generatePrivateKey(keyType: KeyType): KeyObject {
  const { privateKey } =
    keyType === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey;
}
