import { createPublicKey, type KeyObject } from 'node:crypto';
import { type KeyType, keyTypeOf } from '../signer.ts';

/** Names of the kinds of key in the transit API. */
export const TRANSIT_TYPES: Readonly<Record<KeyType, string>> = {
  'ec-p256': 'ecdsa-p256',
  ed25519: 'ed25519',
  'rsa-2048': 'rsa-2048',
};

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 §4). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_OCTETS = 32;

/** The public part of a key, as `GET keys/:name` describes it. */
export interface TransitKey {
  readonly keyType: KeyType;
  readonly publicKey: KeyObject;
}

/**
 * Reads version 1 of a key. It is the only one that Rampart uses: each of its keys has a name of its own, and a certificate
 * that was made for one version would be worth nothing under the next. Undefined when there is no such version or it is of
 * another kind.
 */
export function readTransitKey(body: Readonly<Record<string, unknown>>): TransitKey | undefined {
  const text = fieldOf(fieldOf(fieldOf(body['data'], 'keys'), '1'), 'public_key');
  const publicKey = typeof text === 'string' ? parsePublicKey(text) : undefined;
  const keyType = publicKey === undefined ? undefined : keyTypeOf(publicKey);
  return publicKey === undefined || keyType === undefined ? undefined : { keyType, publicKey };
}

/** The bytes of `"vault:v1:<base64>"`; undefined for anything else. */
export function readTransitSignature(body: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const text = fieldOf(body['data'], 'signature');
  const base64 = typeof text === 'string' ? /^vault:v1:([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] : undefined;
  return base64 === undefined ? undefined : new Uint8Array(Buffer.from(base64, 'base64'));
}

/** Creating a key that exists is no error of the API: a warning says that it was there before. */
export function saysExisted(body: Readonly<Record<string, unknown>>): boolean {
  const { warnings } = body;
  return Array.isArray(warnings) && warnings.some((warning) => /already existed/.test(String(warning)));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** PEM for elliptic curves and RSA, 32 bytes in base64 for Ed25519. */
function parsePublicKey(text: string): KeyObject | undefined {
  try {
    if (text.startsWith('-----BEGIN')) return createPublicKey(text);
    const octets = Buffer.from(text, 'base64');
    if (octets.length !== ED25519_OCTETS) return undefined;
    return createPublicKey({ key: Buffer.concat([ED25519_PREFIX, octets]), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
