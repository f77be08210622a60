import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { RSA_BITS, type KeyType } from './signer.ts';

/** A new private key of this process. */
export async function generatePrivateKey(keyType: KeyType): Promise<KeyObject> {
  switch (keyType) {
    case 'ec-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'rsa-2048':
      // In another thread: finding its primes takes tenths of a second.
      return (await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })).privateKey;
  }
}
