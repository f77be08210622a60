import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { SpiffeId, TrustDomain } from '@rampart/core';
import { OID } from '../der/oid.ts';
import { generateKeyPair } from '../key-pair.ts';
import {
  createTestAuthority,
  HOUR,
  issueServer,
  issueWorkload,
  NOW,
  parsed,
  signerOf,
  spkiOf,
  WEB,
  workloadTemplate,
} from '../testing/test-authority.ts';
import { buildCertificate } from './builder.ts';
import { randomSerial, serialAt } from './serial-number.ts';
import type { CertificateTemplate } from './template.ts';

const authority = await createTestAuthority();
const { root, intermediate } = authority;
const leafKey = generateKeyPair();
const leaf = await issueWorkload(authority, { publicKeyDer: spkiOf(leafKey) });
const server = await issueServer(authority, {
  dnsNames: ['localhost', '*.rampart.example'],
  ipAddresses: ['127.0.0.1', '::1', '2001:db8::8:800:200c:417a'],
});

describe('profiles', () => {
  it('of a root: CA, path length 1, keyCertSign and cRLSign, the trust domain as its ID', () => {
    const certificate = parsed(root);
    assert.ok(certificate.isCa);
    assert.equal(certificate.pathLength, 1);
    assert.deepEqual([...(certificate.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
    assert.deepEqual([...certificate.criticalExtensions], [OID.basicConstraints, OID.keyUsage]);
    assert.deepEqual(certificate.uriSans, ['spiffe://cluster.local']);
    assert.equal(certificate.extendedKeyUsage, undefined);
    assert.deepEqual(certificate.issuer, certificate.subject);
  });

  it('of a root without path length', async () => {
    const key = generateKeyPair();
    const { trustDomain } = authority;
    const common = { serial: randomSerial(), publicKeyDer: spkiOf(key), notBefore: NOW, notAfter: NOW + HOUR };
    const open = await buildCertificate({ ...common, kind: 'root', trustDomain, commonName: 'open' }, signerOf(key));
    assert.ok(open.isCa);
    assert.equal(open.pathLength, undefined);
  });

  it('of an intermediate: path length 0, signed by the root', () => {
    const certificate = parsed(intermediate);
    assert.equal(certificate.pathLength, 0);
    assert.deepEqual(certificate.issuer, parsed(root).subject);
    assert.deepEqual(certificate.authorityKeyId, parsed(root).subjectKeyId);
    assert.deepEqual(certificate.uriSans, ['spiffe://cluster.local']);
  });

  it('of a workload: one URI and nothing else, digitalSignature, both sides of TLS', () => {
    const certificate = parsed(leaf);
    assert.ok(!certificate.isCa);
    assert.deepEqual([...(certificate.keyUsage ?? [])], ['digitalSignature']);
    assert.deepEqual(certificate.extendedKeyUsage, [OID.serverAuth, OID.clientAuth]);
    assert.deepEqual([certificate.uriSans, certificate.dnsSans, certificate.ipSans], [[WEB], [], []]);
    assert.deepEqual(certificate.authorityKeyId, parsed(intermediate).subjectKeyId);
    assert.ok(!certificate.criticalExtensions.has(OID.subjectAltName));
  });

  it('of a workload without subject: the SAN is critical', async () => {
    const certificate = parsed(await issueWorkload(authority, { emptySubject: true }));
    assert.ok(certificate.hasEmptySubject);
    assert.ok(certificate.criticalExtensions.has(OID.subjectAltName));
  });

  it('of a server: host names and addresses beside the URI', () => {
    const certificate = parsed(server);
    assert.deepEqual(certificate.dnsSans, ['localhost', '*.rampart.example']);
    assert.deepEqual(certificate.ipSans, ['127.0.0.1', '::1', '2001:db8::8:800:200c:417a']);
    assert.deepEqual(certificate.uriSans, [WEB]);
  });
});

describe('what node:crypto reads', () => {
  for (const [kind, der] of Object.entries({ root, intermediate, leaf, server })) {
    it(`of a ${kind} is what was parsed here`, () => {
      const theirs = new X509Certificate(der);
      const ours = parsed(der);
      assert.equal(theirs.serialNumber.toLowerCase(), ours.serial);
      assert.equal(theirs.ca, ours.isCa);
      assert.equal(theirs.validFromDate.getTime(), ours.notBefore);
      assert.equal(theirs.validToDate.getTime(), ours.notAfter);
      assert.deepEqual(
        new Uint8Array(theirs.publicKey.export({ type: 'spki', format: 'der' })),
        new Uint8Array(ours.publicKey.der),
      );
      const names = [...ours.uriSans.map((uri) => `URI:${uri}`), ...ours.dnsSans.map((dns) => `DNS:${dns}`)];
      assert.ok(theirs.subjectAltName?.startsWith(names.join(', ')), theirs.subjectAltName);
    });
  }

  it('of the chain fits together', () => {
    const [ca, middle, end] = [new X509Certificate(root), new X509Certificate(intermediate), new X509Certificate(leaf)];
    assert.ok(end.checkIssued(middle) && end.verify(middle.publicKey));
    assert.ok(middle.checkIssued(ca) && middle.verify(ca.publicKey));
    assert.ok(ca.checkIssued(ca) && ca.verify(ca.publicKey));
    assert.ok(end.checkPrivateKey(leafKey.privateKey));
    assert.equal(end.subject, 'O=Rampart');
    assert.ok(new X509Certificate(server).checkHost('localhost'));
    assert.ok(new X509Certificate(server).checkHost('api.rampart.example'));
    assert.ok(new X509Certificate(server).checkIP('::1'));
  });
});

describe('serial numbers', () => {
  it('are 16 bytes, positive, and never come twice', () => {
    const serials = Array.from({ length: 2000 }, randomSerial);
    assert.ok(serials.every((serial) => serial.length === 16 && (serial[0] ?? 0) >= 0x40 && (serial[0] ?? 0) < 0x80));
    assert.equal(new Set(serials.map((serial) => Buffer.from(serial).toString('hex'))).size, serials.length);
  });

  it('of a time are as good, and come in the order of their times', () => {
    const serials = Array.from({ length: 2000 }, (_, index) => serialAt(NOW + index));
    assert.ok(serials.every((serial) => serial.length === 16 && (serial[0] ?? 0) >= 0x40 && (serial[0] ?? 0) < 0x80));
    const texts = serials.map((serial) => Buffer.from(serial).toString('hex'));
    assert.deepEqual(texts.toSorted(), texts);
    const now = Array.from({ length: 2000 }, () => Buffer.from(serialAt(NOW)).toString('hex'));
    assert.equal(new Set(now.map((text) => text.slice(12))).size, now.length);
  });

  for (const [serial, hex] of [
    ['01', '01'],
    ['0001', '01'],
    ['80', '80'],
    ['ff'.repeat(19), 'ff'.repeat(19)],
    ['7f'.repeat(20), '7f'.repeat(20)],
  ] as const) {
    it(`${serial} reads back as ${hex}`, async () => {
      const built = await issueWorkload(authority, { serial: new Uint8Array(Buffer.from(serial, 'hex')) });
      assert.equal(parsed(built).serial, hex);
      assert.equal(new X509Certificate(built).serialNumber.toLowerCase(), hex);
    });
  }
});

describe('a template that no correct certificate can come from is INVALID_ARGUMENT', () => {
  const good = workloadTemplate(authority);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const intermediateTemplate = {
    ...good,
    kind: 'intermediate',
    trustDomain: authority.trustDomain,
    commonName: 'x',
  } as const;
  const cases: readonly (readonly [rule: string, template: CertificateTemplate, field: string])[] = [
    ['a serial of zero', { ...good, serial: new Uint8Array(4) }, 'serial'],
    ['no serial', { ...good, serial: new Uint8Array() }, 'serial'],
    ['a serial of 21 bytes', { ...good, serial: new Uint8Array(21).fill(1) }, 'serial'],
    [
      'a serial that would be negative without a 21st byte',
      { ...good, serial: new Uint8Array(20).fill(0xff) },
      'serial',
    ],
    ['an RSA key', { ...good, publicKeyDer: spkiOf(rsa) }, 'publicKeyDer'],
    ['a P-384 key', { ...good, publicKeyDer: spkiOf(p384) }, 'publicKeyDer'],
    ['no key', { ...good, publicKeyDer: new Uint8Array() }, 'publicKeyDer'],
    ['an end before the beginning', { ...good, notAfter: good.notBefore }, 'notAfter'],
    ['no end', { ...good, notAfter: Number.NaN }, 'notBefore'],
    ['an end after the year 9999', { ...good, notAfter: Date.UTC(10_000, 0) }, 'notBefore'],
    ['a beginning before that of the issuer', { ...good, notBefore: NOW - 2 * HOUR }, 'notBefore'],
    ['an end after that of the issuer', { ...good, notAfter: parsed(intermediate).notAfter + 1 }, 'notBefore'],
    [
      'a trust domain as the ID of a workload',
      { ...good, spiffeId: SpiffeId.of('spiffe://cluster.local') },
      'spiffeId',
    ],
    ['another trust domain than the issuer', { ...good, spiffeId: SpiffeId.of('spiffe://example.org/x') }, 'issuer'],
    ['an issuer that is no CA', { ...good, issuer: parsed(leaf) }, 'issuer'],
    ['an intermediate below an intermediate', intermediateTemplate, 'issuer'],
    [
      'an intermediate of another trust domain',
      { ...intermediateTemplate, issuer: parsed(root), trustDomain: TrustDomain.of('example.org') },
      'issuer',
    ],
    ['an empty common name', { ...intermediateTemplate, issuer: parsed(root), commonName: '' }, 'commonName'],
    ['a host name with a space', { ...good, kind: 'server', dnsNames: ['a b'] }, 'dnsNames'],
    ['an upper-case host name', { ...good, kind: 'server', dnsNames: ['LOCALHOST'] }, 'dnsNames'],
    ['an empty host name', { ...good, kind: 'server', dnsNames: [''] }, 'dnsNames'],
    ['a star inside a host name', { ...good, kind: 'server', dnsNames: ['a.*.example'] }, 'dnsNames'],
    ['an address that is none', { ...good, kind: 'server', ipAddresses: ['127.0.0.256'] }, 'ipAddresses'],
    ['an address with a zone', { ...good, kind: 'server', ipAddresses: ['fe80::1%eth0'] }, 'ipAddresses'],
  ];
  for (const [rule, template, field] of cases) {
    it(rule, async () => {
      const message = new RegExp(`^certificate template: ${field} `);
      await assert.rejects(buildCertificate(template, signerOf(authority.intermediateKey)), {
        code: 'INVALID_ARGUMENT',
        message,
      });
    });
  }
});

describe('what is built is checked before it leaves', () => {
  it('a signature by another key stays inside', async () => {
    const message = /signature is not by the key of its issuer/;
    await assert.rejects(buildCertificate(workloadTemplate(authority), signerOf(generateKeyPair())), {
      code: 'INTERNAL',
      message,
    });
  });

  it('no signature stays inside', async () => {
    await assert.rejects(
      buildCertificate(workloadTemplate(authority), () => new Uint8Array()),
      { code: 'INTERNAL' },
    );
  });

  it('a failing signer fails the building', async () => {
    const away = async (): Promise<Uint8Array> => Promise.reject(new Error('the key is away'));
    await assert.rejects(buildCertificate(workloadTemplate(authority), away), { message: 'the key is away' });
  });
});
