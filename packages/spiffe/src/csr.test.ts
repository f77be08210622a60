import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createCsr, parseCsr } from './csr.ts';
import { OID } from './der/oid.ts';
import { bitString, contextConstructed, oid, sequence, smallInteger } from './der/writer.ts';
import { generateKeyPair } from './key-pair.ts';
import { name } from './testing/forgery.ts';
import { spkiOf } from './testing/test-authority.ts';

const key = generateKeyPair();
const csr = createCsr(key);

interface RequestChanges {
  readonly version?: number;
  readonly subject?: Uint8Array;
  readonly spki?: Uint8Array;
  readonly attributes?: readonly Uint8Array[];
  readonly algorithm?: Uint8Array;
  readonly digest?: string;
}

function request(changes: RequestChanges, signingKey = key.privateKey): Uint8Array {
  const { version = 0, subject = sequence(), spki = spkiOf(key), attributes = [contextConstructed(0)] } = changes;
  const info = sequence(smallInteger(version), subject, spki, ...attributes);
  const signature = new Uint8Array(sign(changes.digest ?? 'sha256', info, signingKey));
  return sequence(info, changes.algorithm ?? sequence(oid(OID.ecdsaWithSha256)), bitString(signature));
}

function judge(der: Uint8Array): string {
  const parsed = parseCsr(der);
  return parsed.ok ? 'ok' : `${parsed.problem.rule}: ${parsed.problem.message}`;
}

describe('a certificate request', () => {
  it('gives the key of its sender', () => {
    const parsed = parseCsr(csr);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.value.publicKeyDer, spkiOf(key));
  });

  it('may carry a name and attributes, which are ignored', () => {
    assert.equal(judge(request({ subject: name('spiffe://cluster.local/ns/admin/sa/root') })), 'ok');
    assert.equal(judge(request({ attributes: [contextConstructed(0, sequence(oid('1.2.840.113549.1.9.14')))] })), 'ok');
  });

  it('says nothing about its sender but the key', () => {
    assert.ok(csr.length < 220, `${csr.length} bytes`);
    const info = sequence(smallInteger(0), sequence(), spkiOf(key), contextConstructed(0));
    assert.ok(Buffer.from(csr).includes(Buffer.from(info)));
  });
});

describe('a certificate request is refused', () => {
  const stranger = generateKeyPair();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const smallRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const bitcoin = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const ed25519 = generateKeyPairSync('ed25519');
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  const offCurve = Uint8Array.of(...spkiOf(key).subarray(0, -1), (spkiOf(key).at(-1) ?? 0) ^ 1);
  const algorithm = (name: string): Uint8Array => sequence(oid(name));
  const cases: readonly (readonly [rule: string, der: Uint8Array, problem: RegExp])[] = [
    [
      'without proof of possession: signed by another key',
      request({}, stranger.privateKey),
      /^csr-signature: it is not signed by the key/,
    ],
    [
      'without proof of possession: holding the key of another',
      request({ spki: spkiOf(stranger) }),
      /^csr-signature: it is not signed by the key/,
    ],
    ['with an RSA key', request({ spki: spkiOf(rsa) }, rsa.privateKey), /^csr-key-type: its key is an RSA key/],
    ['with an RSA key of 1024 bits', request({ spki: spkiOf(smallRsa) }, smallRsa.privateKey), /^csr-key-type:/],
    ['with a P-521 key', request({ spki: spkiOf(p521) }, p521.privateKey), /^csr-curve:/],
    ['with a secp256k1 key', request({ spki: spkiOf(bitcoin) }, bitcoin.privateKey), /^csr-curve:/],
    [
      'with a point of no bytes',
      request({ spki: sequence(curveOf(OID.p256), bitString(new Uint8Array())) }),
      /^csr-point:/,
    ],
    ['with a P-384 key', request({ spki: spkiOf(p384) }, p384.privateKey), /^csr-curve:/],
    ['with an Ed25519 key', request({ spki: spkiOf(ed25519) }), /^csr-key-type: its key is no EC key/],
    ['with spelled-out curve parameters', request({ spki: spkiOf(explicit) }, explicit.privateKey), /^csr-curve:/],
    ['with a compressed point', request({ spki: compressed(spkiOf(key)) }), /^csr-point:/],
    ['with a point off the curve', request({ spki: offCurve }), /^csr-point: its key is not a point of P-256/],
    [
      'signed with SHA-384',
      request({ algorithm: algorithm(OID.ecdsaWithSha384), digest: 'sha384' }),
      /^csr-signature-algorithm:/,
    ],
    [
      'signed with SHA-1',
      request({ algorithm: algorithm('1.2.840.10045.4.1'), digest: 'sha1' }),
      /^csr-signature-algorithm:/,
    ],
    [
      'that claims another digest than it was signed with',
      request({ digest: 'sha512' }),
      /^csr-signature: it is not signed by the key/,
    ],
    ['of another version', request({ version: 1 }), /^csr-malformed: .* unknown version/],
    ['without attributes', request({ attributes: [] }), /^csr-malformed: the attributes should have tag 0xa0/],
    ['with trailing bytes inside', inside(csr, 0), /^csr-malformed: .*trailing/],
    [
      'with a subject that is no name',
      request({ subject: sequence(sequence()) }),
      /^csr-malformed: the subject should have tag/,
    ],
    [
      'with attributes that are none',
      request({ attributes: [contextConstructed(0, smallInteger(1))] }),
      /^csr-malformed: .*an attribute/,
    ],
    [
      'that is a certificate',
      sequence(sequence(contextConstructed(0, smallInteger(2)))),
      /^csr-malformed: the version should have tag/,
    ],
    ['that is PEM', Buffer.from('-----BEGIN CERTIFICATE REQUEST-----'), /^csr-malformed: .*should have tag 0x30/],
    ['that is empty', new Uint8Array(), /^csr-malformed: .*found the end/],
    ['with trailing bytes', Buffer.concat([csr, Buffer.of(0)]), /^csr-malformed: .*trailing/],
    ['of more than 8 KiB', new Uint8Array(8193), /^csr-size: it is larger than 8192 bytes/],
  ];
  for (const [rule, der, problem] of cases) it(rule, () => assert.match(judge(der), problem));

  it('cut off anywhere', () => {
    for (let length = 0; length < csr.length; length += 1)
      assert.notEqual(judge(csr.subarray(0, length)), 'ok', `${length} bytes`);
  });

  it('with any single bit changed', () => {
    for (let bit = 0; bit < csr.length * 8; bit += 1) {
      const damaged = new Uint8Array(csr);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit % 8));
      assert.notEqual(judge(damaged), 'ok', `bit ${bit}`);
    }
  });

  it('when it is noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => assert.notEqual(judge(noise), 'ok')),
      { numRuns: 3000 },
    );
  });
});

/** The same key with its point in compressed form (SEC 1 §2.3.3). */
function compressed(spki: Uint8Array): Uint8Array {
  const point = spki.subarray(-65);
  const odd = (point[64] ?? 0) % 2;
  const algorithm = sequence(oid(OID.ecPublicKey), oid(OID.p256));
  return sequence(algorithm, bitString(Uint8Array.of(0x02 + odd, ...point.subarray(1, 33))));
}

function curveOf(curve: string): Uint8Array {
  return sequence(oid(OID.ecPublicKey), oid(curve));
}

/** The same request with one more byte behind its signature, its length told rightly. */
function inside(request: Uint8Array, octet: number): Uint8Array {
  const headerOctets = (request[1] ?? 0) < 0x80 ? 2 : 2 + ((request[1] ?? 0) & 0x7f);
  return sequence(request.subarray(headerOctets), Uint8Array.of(octet));
}
