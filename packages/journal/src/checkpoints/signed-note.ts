import { verify } from 'node:crypto';
import { fail, ok, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import { fromBase64, toBase64 } from './base64.ts';
import { isKeyName, verifierKeyOf } from './verifier-key.ts';
import type { VerifierKey } from './verifier-key.ts';

const MOST_BYTES = 1_000_000;
const MOST_SIGNATURES = 100;
const KEY_ID_BYTES = 4;

/** An Ed25519 key that signs notes: the shape of a keyring's signer. */
export interface NoteSigner {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  /** The 64 bytes of RFC 8032 §5.1.6. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Signs a text that ends with a newline: the text, an empty line, `— <name> <signature>` (c2sp.org/signed-note).
 * Throws `RampartError` INVALID_ARGUMENT for a text or a name that no note can have.
 */
export async function signNote(text: string, name: string, signer: NoteSigner): Promise<string> {
  if (!isNoteText(text)) {
    throw new RampartError('INVALID_ARGUMENT', 'a note is of whole lines, without control characters');
  }
  const { id } = verifierKeyOf(name, signer.publicKeyDer);
  const signature = await signer.sign(Buffer.from(text));
  return `${text}\n— ${name} ${toBase64(Buffer.concat([Buffer.from(id, 'hex'), signature]))}\n`;
}

/** The text of a note that this key has signed; other signatures on it do not count. The problem says why it is not believed. */
export function openNote(note: string, key: VerifierKey): Result<string, string> {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n') || note.length > MOST_BYTES) return fail('this is no signed note');
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split('\n');
  const signatures = lines.map(parseSignature).filter((signature) => signature !== undefined);
  if (!isNoteText(text) || signatures.length !== lines.length || lines.length > MOST_SIGNATURES) {
    return fail('this is no signed note');
  }
  const own = signatures.find(({ name, id }) => name === key.name && id === key.id);
  if (own === undefined) return fail(`it is not signed by ${key.name}+${key.id}`);
  const isGenuine = verify(null, Buffer.from(text), key.publicKey, own.bytes);
  return isGenuine ? ok(text) : fail(`the signature of ${key.name}+${key.id} is not of this text`);
}

interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

function parseSignature(line: string): NoteSignature | undefined {
  const [dash, name = '', encoded = '', ...more] = line.split(' ');
  const bytes = fromBase64(encoded);
  if (dash !== '—' || more.length > 0 || !isKeyName(name)) return undefined;
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
  return {
    name,
    id: Buffer.from(bytes.subarray(0, KEY_ID_BYTES)).toString('hex'),
    bytes: bytes.subarray(KEY_ID_BYTES),
  };
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}
