import { createPublicKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { fail, ok, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import { fromBase64, toBase64 } from './base64.ts';

/** Signature type of the note format: Ed25519 (c2sp.org/signed-note, "Signature types"). */
const ED25519 = 0x01;
const KEY_BYTES = 32;

/** Whose signatures of notes are believed. */
export interface VerifierKey {
  /** Name of the key; of a log, its origin. */
  readonly name: string;
  /** Eight hex digits: the first four bytes of SHA-256 over name, newline, type and key. */
  readonly id: string;
  readonly publicKey: KeyObject;
  /** The key as it is handed around: `<name>+<id>+<base64 of type and key>`. */
  readonly text: string;
}

/**
 * The verifier key of an Ed25519 public key (SubjectPublicKeyInfo, DER) under a name.
 * Throws `RampartError` INVALID_ARGUMENT for another kind of key, and for a name that is empty or has white space or "+".
 */
export function verifierKeyOf(name: string, publicKeyDer: Uint8Array): VerifierKey {
  const publicKey = createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
  if (publicKey.asymmetricKeyType !== 'ed25519' || !isKeyName(name)) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `notes are signed with Ed25519 under a name without white space and "+", not under ${JSON.stringify(name)} with ${publicKey.asymmetricKeyType}`,
    );
  }
  // RFC 8410 §4: the key itself is the last 32 bytes.
  return verifierKey(name, publicKeyDer.slice(-KEY_BYTES), publicKey);
}

/** Reads `<name>+<id>+<key>`; the problem says what is wrong with it. */
export function parseVerifierKey(text: string): Result<VerifierKey, string> {
  const [name = '', id = '', ...rest] = text.split('+');
  const encoded = rest.join('+');
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id) || bytes === undefined) {
    return fail('a verifier key is <name>+<eight hex digits>+<base64>');
  }
  if (bytes[0] !== ED25519 || bytes.length !== 1 + KEY_BYTES) return fail('the verifier key is not one of Ed25519');
  const x = Buffer.from(bytes.subarray(1)).toString('base64url');
  const key = verifierKey(
    name,
    bytes.subarray(1),
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  );
  return key.id === id ? ok(key) : fail(`the verifier key does not have the id ${id}: part of it was changed`);
}

/** c2sp.org/signed-note: not empty, no Unicode space, no plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s\p{White_Space}\p{Cc}+]/u.test(name);
}

function verifierKey(name: string, key: Uint8Array, publicKey: KeyObject): VerifierKey {
  const typed = Buffer.concat([Uint8Array.of(ED25519), key]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
  return { name, id, publicKey, text: `${name}+${id}+${toBase64(typed)}` };
}
