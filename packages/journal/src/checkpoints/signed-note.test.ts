import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openNote, signNote } from './signed-note.ts';
import type { NoteSigner } from './signed-note.ts';
import { parseVerifierKey, verifierKeyOf } from './verifier-key.ts';
import type { VerifierKey } from './verifier-key.ts';

/** Key and note with which golang.org/x/mod/sumdb/note tests itself (note_test.go). */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETERS_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

/** The example of c2sp.org/signed-note. */
const FOO = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const FOO_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

describe('published notes', () => {
  it('of the Go package open with its key', () =>
    assert.deepEqual(openNote(NOTE, key(PETER)), { ok: true, value: TEXT }));

  it('of the specification open with its key', () =>
    assert.deepEqual(openNote(FOO_NOTE, key(FOO)), { ok: true, value: 'This is an example message.\n' }));

  it('come out byte for byte when signed with the same key', async () =>
    assert.equal(await signNote(TEXT, 'PeterNeumann', signerOf(privateKeyOf(PETERS_SEED))), NOTE));

  it('have a key whose text comes out again', () => {
    const { publicKeyDer } = signerOf(privateKeyOf(PETERS_SEED));
    assert.equal(verifierKeyOf('PeterNeumann', publicKeyDer).text, PETER);
  });
});

describe('a verifier key', () => {
  it('is none of its parts, and none with a character changed', () => {
    for (let from = 0; from < PETER.length; from += 1) {
      for (let to = from; to <= PETER.length; to += 1) {
        if (to - from < PETER.length) assert.equal(parseVerifierKey(PETER.slice(from, to)).ok, false);
      }
    }
    for (let at = 0; at < PETER.length; at += 1) {
      const next = String.fromCharCode(PETER.charCodeAt(at) + 1);
      assert.equal(parseVerifierKey(`${PETER.slice(0, at)}${next}${PETER.slice(at + 1)}`).ok, false);
    }
  });

  for (const [rule, text] of [
    [
      'of another length, with the id of that',
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    ],
    ['of another algorithm, with the id of that', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ] as const) {
    it(`is none ${rule}`, () => assert.equal(parseVerifierKey(text).ok, false));
  }

  it('has no name with white space or a plus', () => {
    const { publicKeyDer } = signerOf(privateKeyOf(PETERS_SEED));
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\nb', 'a\u2003']) {
      assert.throws(() => verifierKeyOf(name, publicKeyDer), { code: 'INVALID_ARGUMENT' });
    }
  });

  it('is one of Ed25519', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    assert.throws(() => verifierKeyOf('log', der), { code: 'INVALID_ARGUMENT' });
  });
});

describe('a note', () => {
  const [text = '', signature = ''] = NOTE.split('\n\n');

  for (const [rule, note] of [
    ['without a signature', `${TEXT}\n`],
    ['without an empty line before its signatures', `${text}\n${signature}`],
    ['whose last line does not end', NOTE.slice(0, -1)],
    ['with a line among its signatures that is none', `${NOTE}hello\n`],
    ['with an empty line at its end', `${NOTE}\n`],
    ['with a hyphen for the dash', NOTE.replace('—', '-')],
    ['with base64 that is not the one encoding', NOTE.replace('AM=\n', 'AN=\n')],
    ['with a control character', NOTE.replace('If', 'I\u0007f')],
    ['with a carriage return', NOTE.replace('problem,\n', 'problem,\r\n')],
    ['with a lone surrogate', NOTE.replace('If', '\ud800')],
    ['of a megabyte and more', `${'a'.repeat(1_000_000)}\n\n${signature}`],
    ['with more than a hundred signatures', NOTE + signature.repeat(100)],
    ['with another text', NOTE.replace('cryptography', 'cryptographY')],
    ['with a changed signature', NOTE.replace('x08go/ZJku', 'x08go/ZJkv')],
    ['of another signer', FOO_NOTE],
    ['of the same name and another key', NOTE.replace('x08go/', 'x08gp/')],
  ] as const) {
    it(`${rule} does not open`, () => assert.equal(openNote(note, key(PETER)).ok, false));
  }

  it('may have signatures of others', () => {
    const others = '— witness.example d2l0bmVzcyBzaWduYXR1cmU=\n';
    assert.ok(openNote(NOTE + others, key(PETER)).ok);
    assert.ok(openNote(`${TEXT}\n${others}${signature}`, key(PETER)).ok);
  });

  it('may have empty lines in its text: signatures stand after the last one', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const signer = signerOf(privateKey);
    const note = await signNote('a\n\n— b\n', 'log', signer);
    assert.deepEqual(openNote(note, verifierKeyOf('log', signer.publicKeyDer)), { ok: true, value: 'a\n\n— b\n' });
  });

  it('is not signed over text that does not end with a newline', () =>
    assert.rejects(signNote('text', 'log', signerOf(privateKeyOf(PETERS_SEED))), { code: 'INVALID_ARGUMENT' }));

  it('of any bytes is read without failing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (note) => !openNote(note, key(PETER)).ok));
  });
});

function key(text: string): VerifierKey {
  const parsed = parseVerifierKey(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

/** RFC 8410 §7: the private key is the seed behind a fixed head. */
function privateKeyOf(seed: Uint8Array): KeyObject {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' });
}

function signerOf(privateKey: KeyObject): NoteSigner {
  const publicKeyDer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { publicKeyDer, sign: async (data) => sign(null, data, privateKey) };
}
