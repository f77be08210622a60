import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sign } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { OID } from '../der/oid.ts';
import { encodeTime } from '../der/time.ts';
import {
  bitString,
  booleanTrue,
  contextConstructed,
  encode,
  octetString,
  oid,
  sequence,
  smallInteger,
  unsignedInteger,
} from '../der/writer.ts';
import * as write from '../issuance/extension-writer.ts';
import { fromPem, toPem } from '../pem.ts';
import { forgeAuthority } from '../testing/forgery.ts';
import { hasOpenssl, openBench, type OpensslBench } from '../testing/openssl.ts';
import { createTestAuthority, HOUR, issueWorkload, NOW, parsed, signerOf } from '../testing/test-authority.ts';
import { buildCrl, type CrlTemplate } from './build.ts';
import { CrlLines } from './lines.ts';
import { isCrlOf, parseCrl } from './parse.ts';

const authority = await createTestAuthority();
const impostor = await createTestAuthority();
const issuer = parsed(authority.intermediate);
const signer = signerOf(authority.intermediateKey);
const template: CrlTemplate = { issuer, number: 1, thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR, revoked: [] };

describe('a revocation list', () => {
  const revoked = [
    { serial: '42', at: NOW - 2 * HOUR, reason: 'keyCompromise' },
    { serial: 'ff00', at: NOW - HOUR },
    { serial: '7b'.repeat(20), at: NOW, reason: 'privilegeWithdrawn' },
  ] as const;

  it('may hold 150,000 certificates, which are encoded in parts', async () => {
    const lines = new CrlLines();
    for (let part = 0; part < 150; part += 1) {
      const serial = (index: number): string => (2 ** 40 + part * 1000 + index).toString(16).padStart(12, '0');
      lines.add(Array.from({ length: 1000 }, (_, index) => ({ serial: serial(index), at: NOW })));
    }
    assert.throws(() => lines.add([{ serial: '010000000001', at: NOW }]), { code: 'INVALID_ARGUMENT' });
    assert.deepEqual([lines.has('010000000001'), lines.has('01'), lines.count], [true, false, 150_000]);
    const list = parseCrl(await buildCrl({ ...template, revoked: lines }, signer));
    assert.ok(list.ok && list.value.revoked.length === lines.count);
  });

  it('is the same in one part or in several', async () => {
    const lines = new CrlLines();
    for (const line of revoked) lines.add([line]);
    const list = parseCrl(await buildCrl({ ...template, revoked: lines }, signer));
    assert.deepEqual(list.ok && list.value.revoked, revoked);
  });

  it('reads back as it was', async () => {
    const list = parseCrl(await buildCrl({ ...template, number: 2n ** 70n + 5n, revoked }, signer));
    assert.ok(list.ok, list.ok ? '' : list.problem);
    assert.deepEqual(list.value.revoked, revoked);
    assert.deepEqual([list.value.thisUpdate, list.value.nextUpdate], [NOW - HOUR, NOW + HOUR]);
    assert.equal(list.value.number, 2n ** 70n + 5n);
    assert.deepEqual(list.value.issuer, issuer.subject);
    assert.deepEqual(list.value.authorityKeyId, issuer.subjectKeyId);
  });

  it('is that of its issuer and of no other', async () => {
    const list = parseCrl(await buildCrl({ ...template, revoked }, signer));
    assert.ok(list.ok && isCrlOf(list.value, issuer));
    assert.ok(!isCrlOf(list.value, parsed(impostor.intermediate)), 'same name, another key');
    assert.ok(!isCrlOf(list.value, parsed(authority.root)), 'another name');
    const mute = forgeAuthority(authority, { extensions: { keyUsage: write.keyUsage('keyCertSign') } });
    assert.ok(!isCrlOf(list.value, parsed(mute)), 'without cRLSign');
  });

  it('may be empty, or hold thousands', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ serial: (0x100000 + index).toString(16), at: NOW }));
    for (const lines of [[], many]) {
      const list = parseCrl(await buildCrl({ ...template, revoked: lines }, signer));
      assert.ok(list.ok);
      assert.equal(list.value.revoked.length, lines.length);
    }
  });

  const refusals: readonly (readonly [rule: string, changes: Partial<CrlTemplate>, problem: RegExp])[] = [
    [
      'an issuer without cRLSign',
      { issuer: parsed(forgeAuthority(authority, { extensions: { keyUsage: write.keyUsage('keyCertSign') } })) },
      /cRLSign/,
    ],
    ['a negative number', { number: -1 }, /number/],
    ['half a number', { number: 1.5 }, /number/],
    ['a number of more than 20 bytes', { number: 2n ** 159n }, /number/],
    ['an end before its start', { nextUpdate: NOW - HOUR }, /nextUpdate/],
    ['a serial that is none', { revoked: [{ serial: 'xy', at: NOW }] }, /serial/],
    ['a serial with an odd digit', { revoked: [{ serial: 'abc', at: NOW }] }, /serial/],
    [
      'a serial twice',
      {
        revoked: [
          { serial: '42', at: NOW },
          { serial: '42', at: NOW },
        ],
      },
      /twice/,
    ],
  ];
  for (const [rule, changes, problem] of refusals) {
    it(`is not built with ${rule}`, async () => {
      await assert.rejects(buildCrl({ ...template, ...changes }, signer), (error) => {
        assert.ok(error instanceof RampartError && error.code === 'INVALID_ARGUMENT');
        assert.match(error.message, problem);
        return true;
      });
    });
  }

  it('does not leave with another key behind the signer', async () => {
    await assert.rejects(buildCrl(template, signerOf(impostor.intermediateKey)), { code: 'INTERNAL' });
  });
});

/** A list of any fields, signed by the intermediate. */
function forge(fields: readonly Uint8Array[], outer = sequence(oid(OID.ecdsaWithSha256))): Uint8Array {
  const tbs = sequence(...fields);
  const signature = new Uint8Array(sign('sha256', tbs, authority.intermediateKey.privateKey));
  return sequence(tbs, outer, bitString(signature));
}
const V2 = smallInteger(1);
const ECDSA = sequence(oid(OID.ecdsaWithSha256));
const TIMES = [encodeTime(NOW - HOUR), encodeTime(NOW + HOUR)];
const NUMBER = sequence(oid(OID.crlNumber), octetString(smallInteger(1)));
const critical = (name: string): Uint8Array => sequence(oid(name), booleanTrue(), octetString(sequence()));
const extensions = (...list: readonly Uint8Array[]): Uint8Array => contextConstructed(0, sequence(...list));
const line = (...more: readonly Uint8Array[]): Uint8Array =>
  sequence(unsignedInteger(Uint8Array.of(0x42)), encodeTime(NOW), ...more);
const HEAD = [V2, ECDSA, issuer.subject, ...TIMES];
const reason = (number: number): Uint8Array =>
  sequence(sequence(oid(OID.crlReason), octetString(encode(0x0a, Uint8Array.of(number)))));

const UNREADABLE: readonly (readonly [rule: string, der: Uint8Array, problem: RegExp | 'ok'])[] = [
  ['a good one is right', forge([...HEAD, sequence(line()), extensions(NUMBER)]), 'ok'],
  ['version 1', forge([ECDSA, issuer.subject, ...TIMES]), /version/],
  ['version 3', forge([smallInteger(2), ...HEAD.slice(1), extensions(NUMBER)]), /not of version 2/],
  ['no end', forge([V2, ECDSA, issuer.subject, encodeTime(NOW), extensions(NUMBER)]), /next list/],
  ['no number', forge([...HEAD, extensions(critical('1.2.3').subarray(0, 0))]), /no number/],
  ['no extensions', forge(HEAD), /extensions/],
  ['an empty list of lines', forge([...HEAD, sequence(), extensions(NUMBER)]), /empty/],
  ['two algorithms', forge([...HEAD, extensions(NUMBER)], sequence(oid(OID.ecdsaWithSha384))), /algorithms differ/],
  ['a number twice', forge([...HEAD, extensions(NUMBER, NUMBER)]), /twice/],
  [
    'a negative number',
    forge([...HEAD, extensions(sequence(oid(OID.crlNumber), octetString(encode(2, Uint8Array.of(0x80)))))]),
    /negative/,
  ],
  ['a delta', forge([...HEAD, extensions(NUMBER, critical(OID.deltaCrlIndicator))]), /cannot be honoured/],
  [
    'a part of the certificates',
    forge([...HEAD, extensions(NUMBER, critical(OID.issuingDistributionPoint))]),
    /cannot be honoured/,
  ],
  [
    'an extension that is not critical',
    forge([...HEAD, extensions(NUMBER, sequence(oid('1.2.3'), octetString()))]),
    'ok',
  ],
  ['a reason that is unknown', forge([...HEAD, sequence(line(reason(7))), extensions(NUMBER)]), /reason/],
  ['a reason of a line', forge([...HEAD, sequence(line(reason(4))), extensions(NUMBER)]), 'ok'],
  [
    'a line of another issuer',
    forge([...HEAD, sequence(line(sequence(critical('2.5.29.29')))), extensions(NUMBER)]),
    /cannot be honoured/,
  ],
  ['trailing bytes', Buffer.concat([forge([...HEAD, extensions(NUMBER)]), Buffer.of(0)]), /trailing/],
  ['nothing', new Uint8Array(), /cut off|found the end/],
  ['16 MiB', new Uint8Array(16 * 1024 * 1024), /larger than/],
];

describe('reading a revocation list', () => {
  for (const [rule, der, problem] of UNREADABLE) {
    it(rule, () => {
      const list = parseCrl(der);
      if (problem === 'ok') assert.ok(list.ok, list.ok ? '' : list.problem);
      else assert.match(list.ok ? 'accepted' : list.problem, problem);
    });
  }

  it('cut off anywhere is refused, and with any bit changed is not that of its issuer', async () => {
    const der = await buildCrl({ ...template, revoked: [{ serial: '42', at: NOW }] }, signer);
    for (let length = 0; length < der.length; length += 1) assert.ok(!parseCrl(der.subarray(0, length)).ok);
    for (let bit = 0; bit < der.length * 8; bit += 1) {
      const damaged = new Uint8Array(der);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit % 8));
      const list = parseCrl(damaged);
      assert.ok(!list.ok || !isCrlOf(list.value, issuer), `bit ${bit}`);
    }
  });
});

describe('openssl and revocation lists', { skip: hasOpenssl() ? false : 'there is no openssl command here' }, () => {
  let bench: OpensslBench;
  before(() => {
    bench = openBench();
    bench.put('root.pem', toPem(authority.root));
    bench.put('intermediate.pem', toPem(authority.intermediate));
  });
  after(() => bench.close());

  const verify = (...args: readonly string[]): string =>
    bench.run(
      'verify',
      '-attime',
      String(NOW / 1000),
      '-CAfile',
      'root.pem',
      '-untrusted',
      'intermediate.pem',
      ...args,
    );

  it('-crl_check refuses what is revoked and nothing else', async () => {
    const [good, bad] = [await issueWorkload(authority), await issueWorkload(authority)];
    bench.put('good.pem', toPem(good));
    bench.put('bad.pem', toPem(bad));
    const revoked = [{ serial: parsed(bad).serial, at: NOW - 1000, reason: 'keyCompromise' as const }];
    bench.put('list.pem', toPem(await buildCrl({ ...template, revoked }, signer), 'X509 CRL'));
    const rootList = { ...template, issuer: parsed(authority.root) };
    bench.put('root-list.pem', toPem(await buildCrl(rootList, signerOf(authority.rootKey)), 'X509 CRL'));
    const check = ['-crl_check_all', '-CRLfile', 'list.pem', '-CRLfile', 'root-list.pem'];
    assert.match(verify('-x509_strict', ...check, 'good.pem'), /good.pem: OK/);
    assert.throws(() => verify(...check, 'bad.pem'), /certificate revoked/);
    const printed = bench.run('crl', '-in', 'list.pem', '-noout', '-text');
    for (const expected of [/Version 2/, /CRL Number:\s+1\n/, /Key Compromise/, /Authority Key Identifier/])
      assert.match(printed, expected);
  });

  it('its own lists are read here', () => {
    bench.put('key.pem', authority.intermediateKey.privateKeyPem());
    bench.put('index.txt', 'R\t300101000000Z\t260101000000Z,keyCompromise\t4242\tunknown\t/CN=x\n');
    bench.put('number', '07\n');
    bench.put(
      'ca.conf',
      '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n',
    );
    bench.run(
      'ca',
      '-config',
      'ca.conf',
      '-gencrl',
      '-crldays',
      '1',
      '-keyfile',
      'key.pem',
      '-cert',
      'intermediate.pem',
      '-out',
      'theirs.pem',
    );
    const [der] = fromPem(bench.run('crl', '-in', 'theirs.pem'), 'X509 CRL');
    const list = parseCrl(der ?? new Uint8Array());
    assert.ok(list.ok, list.ok ? '' : list.problem);
    assert.ok(isCrlOf(list.value, issuer));
    assert.equal(list.value.number, 7n);
    assert.deepEqual(list.value.revoked, [{ serial: '4242', at: Date.UTC(2026, 0), reason: 'keyCompromise' }]);
  });
});
