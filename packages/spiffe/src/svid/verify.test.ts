import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TrustDomain } from '@rampart/core';
import { OID } from '../der/oid.ts';
import { encodeTime } from '../der/time.ts';
import { oid, sequence } from '../der/writer.ts';
import * as write from '../issuance/extension-writer.ts';
import { generateKeyPair, type KeyPair } from '../key-pair.ts';
import { extension, forgeAuthority, forgeWorkload, name, uriNames } from '../testing/forgery.ts';
import {
  createTestAuthority,
  HOUR,
  issueServer,
  issueWorkload,
  NOW,
  parsed,
  spkiOf,
  WEB,
} from '../testing/test-authority.ts';
import { type SvidTrust, verifyChain, verifySvid } from './verify.ts';

const authority = await createTestAuthority();
/** Same trust domain and names, other keys. */
const impostor = await createTestAuthority();
const foreign = await createTestAuthority('example.org');
const leaf = await issueWorkload(authority);
const { intermediate, root } = authority;
const good = [leaf, intermediate];

function judge(chain: readonly Uint8Array[], trust: Partial<SvidTrust> = {}): string {
  const verified = verifySvid(chain, { roots: [root], at: NOW, ...trust });
  return verified.ok ? verified.value.spiffeId.toString() : verified.problem.code;
}

function ecPair(namedCurve: string): KeyPair {
  return { ...generateKeyPairSync('ec', { namedCurve }), privateKeyPem: () => '' };
}

describe('a good chain', () => {
  it('gives the SPIFFE ID', () => {
    const id = verifyChain(good, [root], NOW);
    assert.equal(id.ok && id.value.toString(), WEB);
  });

  it('is as good with the root sent along, or with more behind it', () => {
    assert.equal(judge([...good, root]), WEB);
    assert.equal(judge([...good, root, foreign.root]), WEB);
  });

  it('needs only one of several roots: rotation', () => {
    assert.equal(judge(good, { roots: [impostor.root, root] }), WEB);
  });

  it('may end in an intermediate that is trusted itself', () =>
    assert.equal(judge([leaf], { roots: [intermediate] }), WEB));

  it('may carry a server certificate', async () => {
    assert.equal(judge([await issueServer(authority, { dnsNames: ['localhost'] }), intermediate]), WEB);
  });

  it('passes over roots that cannot be used', () =>
    assert.equal(judge(good, { roots: [Uint8Array.of(1), leaf, root] }), WEB));

  it('may be signed by a root that names no trust domain', () => {
    const anonymous = forgeAuthority(authority, { extensions: { subjectAltName: undefined } });
    assert.equal(judge([leaf], { roots: [anonymous] }), WEB);
    assert.equal(judge([leaf], { roots: [anonymous], trustDomain: foreign.trustDomain }), 'WRONG_TRUST_DOMAIN');
  });

  it('may be signed with P-384', () => {
    const key = ecPair('P-384');
    const algorithm = sequence(oid(OID.ecdsaWithSha384));
    const middle = forgeAuthority(authority, { publicKeyDer: spkiOf(key) });
    const below = forgeWorkload(authority, { signingKey: key, algorithm, digest: 'sha384' });
    assert.equal(judge([below, middle]), WEB);
  });

  it('is good until the first of its certificates ends', async () => {
    const verified = verifySvid(good, { roots: [root], at: NOW });
    assert.equal(verified.ok && verified.value.notAfter, NOW + HOUR);
    const short = forgeAuthority(authority, { notAfter: encodeTime(NOW + 1000) });
    const sooner = verifySvid([leaf, short], { roots: [root], at: NOW });
    assert.equal(sooner.ok && sooner.value.notAfter, NOW + 1000);
  });
});

describe('time', () => {
  const from = NOW - 60_000;
  const until = NOW + HOUR;
  const cases: readonly (readonly [rule: string, at: number, expected: string])[] = [
    ['before the first second', from - 1, 'NOT_YET_VALID'],
    ['in the first millisecond', from, WEB],
    ['in the last millisecond', until, WEB],
    ['after it', until + 1, 'EXPIRED'],
    ['without a time', Number.NaN, 'EXPIRED'],
  ];
  for (const [rule, at, expected] of cases)
    it(`${rule}: ${expected}`, () => assert.equal(judge(good, { at }), expected));

  it('counts for intermediates', () => {
    const expired = forgeAuthority(authority, { notAfter: encodeTime(NOW - 1000) });
    assert.equal(judge([leaf, expired]), 'EXPIRED');
    const later = forgeAuthority(authority, { notBefore: encodeTime(NOW + 1000) });
    assert.equal(judge([leaf, later]), 'NOT_YET_VALID');
  });

  it('counts for roots', () => {
    const past = forgeWorkload(authority, { notAfter: encodeTime(NOW + 20 * 365 * 24 * HOUR) });
    const middle = forgeAuthority(authority, { notAfter: encodeTime(NOW + 20 * 365 * 24 * HOUR) });
    assert.equal(judge([past, middle], { at: NOW + 15 * 365 * 24 * HOUR }), 'EXPIRED');
  });
});

describe('trust domain', () => {
  it('another than that of the roots is WRONG_TRUST_DOMAIN', async () => {
    assert.equal(judge([await issueWorkload(foreign), foreign.intermediate]), 'WRONG_TRUST_DOMAIN');
  });

  it('another than the expected one is WRONG_TRUST_DOMAIN, even with its own roots', () => {
    assert.equal(judge(good, { trustDomain: TrustDomain.of('example.org') }), 'WRONG_TRUST_DOMAIN');
  });

  it('of the leaf cannot be chosen by a CA of another domain', () => {
    const claim = forgeWorkload(foreign, { extensions: { subjectAltName: uriNames(WEB) } });
    assert.equal(judge([claim, foreign.intermediate], { roots: [root, foreign.root] }), 'UNTRUSTED');
    assert.equal(judge([claim, foreign.intermediate], { roots: [foreign.root] }), 'WRONG_TRUST_DOMAIN');
  });

  it('of an intermediate has to be that of the leaf', () => {
    const middle = forgeAuthority(authority, { extensions: { subjectAltName: uriNames('spiffe://example.org') } });
    assert.equal(judge([leaf, middle]), 'WRONG_TRUST_DOMAIN');
  });

  it('without roots trusts nobody', () => assert.equal(judge(good, { roots: [] }), 'UNTRUSTED'));
});

describe('the path', () => {
  it('without intermediate is UNTRUSTED', () => assert.equal(judge([leaf]), 'UNTRUSTED'));
  it('in another order is refused', () => assert.equal(judge([intermediate, leaf]), 'CA_CERTIFICATE'));
  it('with a stranger in between is UNTRUSTED', () =>
    assert.equal(judge([leaf, foreign.intermediate, intermediate]), 'UNTRUSTED'));
  it('to a root of the same name and another key is UNTRUSTED', () => {
    assert.equal(judge(good, { roots: [impostor.root] }), 'UNTRUSTED');
    assert.equal(judge([leaf, impostor.intermediate]), 'UNTRUSTED');
  });

  it('that is one self-signed certificate is UNTRUSTED', () => {
    const key = generateKeyPair();
    const own = forgeWorkload(authority, { issuer: name('forged'), signingKey: key, publicKeyDer: spkiOf(key) });
    const verified = verifySvid([own], { roots: [root], at: NOW });
    assert.equal(verified.ok ? '' : verified.problem.code, 'UNTRUSTED');
    assert.match(verified.ok ? '' : verified.problem.message, /self-signed/);
  });

  it('that ends in a self-made root is UNTRUSTED', async () => {
    assert.equal(judge([await issueWorkload(impostor), impostor.intermediate, impostor.root]), 'UNTRUSTED');
  });

  it('through a workload certificate that signs is UNTRUSTED', () => {
    const key = generateKeyPair();
    const workload = forgeWorkload(authority, { publicKeyDer: spkiOf(key) });
    const below = forgeWorkload(authority, { issuer: parsed(workload).subject, signingKey: key });
    assert.equal(judge([below, workload, intermediate]), 'UNTRUSTED');
    assert.equal(judge([below], { roots: [workload] }), 'UNTRUSTED');
  });

  it('through a CA that must not sign certificates is BAD_KEY_USAGE', () => {
    const middle = forgeAuthority(authority, { extensions: { keyUsage: write.keyUsage('cRLSign') } });
    assert.equal(judge([leaf, middle]), 'BAD_KEY_USAGE');
  });

  it('through a CA with a critical extension that is not understood is UNTRUSTED', () => {
    const unknown = extension('1.2.3.4', { critical: true, value: sequence() });
    assert.equal(judge([leaf, forgeAuthority(authority, { extensions: { unknown } })]), 'UNTRUSTED');
  });

  it('longer than an issuer allows is UNTRUSTED', () => {
    const key = generateKeyPair();
    const second = forgeAuthority(authority, {
      issuer: parsed(intermediate).subject,
      signingKey: authority.intermediateKey,
      subject: name('second'),
      publicKeyDer: spkiOf(key),
    });
    const below = forgeWorkload(authority, { issuer: name('second'), signingKey: key });
    assert.equal(judge([below, second, intermediate]), 'UNTRUSTED');
    const unlimited = forgeAuthority(authority, {
      extensions: { basicConstraints: write.basicConstraints(undefined) },
    });
    // The root allows one intermediate.
    assert.equal(judge([below, second, unlimited]), 'UNTRUSTED');
    assert.equal(judge([below, second], { roots: [unlimited] }), WEB);
  });

  it('with an issuer whose key identifier is another is UNTRUSTED', () => {
    const keyIds = { extensions: { authorityKeyId: write.authorityKeyId(new Uint8Array(20)) } };
    assert.equal(judge([forgeWorkload(authority, keyIds), intermediate]), 'UNTRUSTED');
  });

  it('signed with an algorithm that is not accepted is UNTRUSTED', () => {
    const algorithm = sequence(oid('1.2.840.10045.4.1'));
    assert.equal(judge([forgeWorkload(authority, { algorithm, digest: 'sha1' }), intermediate]), 'UNTRUSTED');
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { privateKey, publicKey, privateKeyPem: () => '' };
    const middle = forgeAuthority(authority, { publicKeyDer: spkiOf(key) });
    const claims = forgeWorkload(authority, { signingKey: key });
    assert.equal(judge([claims, middle]), 'UNTRUSTED');
  });

  it('signed by a key with spelled-out curve parameters is UNTRUSTED', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
    const middle = forgeAuthority(authority, { publicKeyDer: spkiOf(key) });
    assert.equal(
      judge([forgeWorkload(authority, { signingKey: { ...key, privateKeyPem: () => '' } }), middle]),
      'UNTRUSTED',
    );
  });

  it('of more than 8 certificates is refused unread', () => {
    assert.equal(judge([...good, ...Array.from({ length: 7 }, () => root)]), 'MALFORMED');
  });

  it('without certificates is NO_CERTIFICATE', () => assert.equal(judge([]), 'NO_CERTIFICATE'));
});

describe('revocation', () => {
  it('of the leaf is REVOKED', () => {
    const { serial } = parsed(leaf);
    assert.equal(judge(good, { isRevoked: (asked) => asked === serial }), 'REVOKED');
    assert.equal(judge(good, { isRevoked: () => false }), WEB);
  });

  it('of the intermediate is REVOKED', () => {
    const { serial } = parsed(intermediate);
    assert.equal(judge(good, { isRevoked: (asked) => asked === serial }), 'REVOKED');
  });
});

describe('hostile bytes', () => {
  it('cut off anywhere are MALFORMED', () => {
    for (let length = 0; length < leaf.length; length += 1) {
      assert.equal(judge([leaf.subarray(0, length), intermediate]), 'MALFORMED', `${length} bytes`);
    }
    for (let length = 0; length < intermediate.length; length += 1) {
      assert.equal(judge([leaf, intermediate.subarray(0, length)]), 'MALFORMED', `${length} bytes`);
    }
  });

  it('with one more at the end are MALFORMED', () => {
    assert.equal(judge([Buffer.concat([leaf, Buffer.of(0)]), intermediate]), 'MALFORMED');
  });

  it('with any single bit changed are refused', () => {
    for (const [index, certificate] of good.entries()) {
      for (let bit = 0; bit < certificate.length * 8; bit += 1) {
        const damaged = new Uint8Array(certificate);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit % 8));
        assert.notEqual(judge(good.with(index, damaged)), WEB, `bit ${bit} of certificate ${index + 1}`);
      }
    }
  });

  it('made by splicing certificates are refused', () => {
    const parts = fc.tuple(
      fc.nat({ max: leaf.length }),
      fc.nat({ max: intermediate.length }),
      fc.uint8Array({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(parts, fc.boolean(), ([from, to, noise], first) => {
        const spliced = Buffer.concat([leaf.subarray(0, from), noise, (first ? leaf : intermediate).subarray(to)]);
        if (!spliced.equals(leaf)) assert.notEqual(judge([spliced, intermediate]), WEB);
      }),
      { numRuns: 5000 },
    );
  });

  it('of any kind are MALFORMED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (noise) => assert.equal(judge([noise]), 'MALFORMED')),
      { numRuns: 5000 },
    );
  });

  it('of megabytes are refused unread', () => assert.equal(judge([new Uint8Array(5_000_000).fill(0x30)]), 'MALFORMED'));

  it('that change after they were read change nothing', () => {
    const bytes = new Uint8Array(leaf);
    const certificate = parsed(bytes);
    bytes.fill(0);
    assert.deepEqual(certificate.der, leaf);
    assert.deepEqual(certificate.uriSans, [WEB]);
  });
});
