import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeOid, encodeOid, OID } from './oid.ts';
import { decodeDer } from './reader.ts';
import { TAG } from './tag.ts';
import { encodeTime, readTime } from './time.ts';
import { encode } from './writer.ts';

const read = (der: Uint8Array): ReturnType<typeof decodeDer<number>> =>
  decodeDer(der, (reader) => readTime(reader, 'the time'));

describe('object identifiers', () => {
  for (const dotted of [
    ...Object.values(OID),
    '0.0',
    '2.999.1',
    '1.39.127.128.16383.16384',
    '2.5.29.54',
    '1.3.6.1.4.1.311.9007199254740',
  ]) {
    it(`${dotted} reads back`, () => assert.equal(decodeOid(encodeOid(dotted)), dotted));
  }

  const refused: readonly (readonly [rule: string, octets: readonly number[]])[] = [
    ['nothing', []],
    ['an arc that does not end', [0x2a, 0x86]],
    ['an arc with a leading zero', [0x2a, 0x80, 0x01]],
    ['an arc beyond 2^53', [0x2a, ...Array.from({ length: 8 }, () => 0xff), 0x7f]],
    ['more than 64 bytes', Array.from({ length: 65 }, () => 1)],
  ];
  for (const [rule, octets] of refused) {
    it(`refuses ${rule}`, () => assert.equal(decodeOid(Uint8Array.from(octets)), undefined));
  }

  it('has one encoding for each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (octets) => {
        const dotted = decodeOid(octets);
        if (dotted !== undefined) assert.deepEqual(encodeOid(dotted), new Uint8Array(octets));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('times (RFC 5280 §4.1.2.5)', () => {
  const cases: readonly (readonly [iso: string, tag: number, text: string])[] = [
    ['1950-01-01T00:00:00Z', TAG.utcTime, '500101000000Z'],
    ['1999-12-31T23:59:59Z', TAG.utcTime, '991231235959Z'],
    ['2000-02-29T00:00:00Z', TAG.utcTime, '000229000000Z'],
    ['2049-12-31T23:59:59Z', TAG.utcTime, '491231235959Z'],
    ['2050-01-01T00:00:00Z', TAG.generalizedTime, '20500101000000Z'],
    ['9999-12-31T23:59:59Z', TAG.generalizedTime, '99991231235959Z'],
  ];
  for (const [iso, tag, text] of cases) {
    it(`${iso} is ${text}`, () => {
      const der = encode(tag, new TextEncoder().encode(text));
      assert.deepEqual(encodeTime(Date.parse(iso)), der);
      assert.deepEqual(read(der), { ok: true, value: Date.parse(iso) });
    });
  }

  const refused: readonly (readonly [rule: string, tag: number, text: string])[] = [
    ['a UTCTime without seconds', TAG.utcTime, '2601010000Z'],
    ['a UTCTime with an offset', TAG.utcTime, '260101000000+0100'],
    ['a UTCTime without Z', TAG.utcTime, '260101000000'],
    ['a GeneralizedTime with a fraction', TAG.generalizedTime, '20600101000000.5Z'],
    ['a GeneralizedTime before 2050', TAG.generalizedTime, '20260101000000Z'],
    ['30 February', TAG.utcTime, '260230000000Z'],
    ['29 February of a common year', TAG.utcTime, '270229000000Z'],
    ['month 13', TAG.utcTime, '261301000000Z'],
    ['hour 24', TAG.utcTime, '260101240000Z'],
    ['second 60', TAG.utcTime, '260101000060Z'],
    ['letters', TAG.utcTime, '26010100000oZ'],
    ['nothing', TAG.utcTime, ''],
    ['more after the Z', TAG.utcTime, '260101000000Z\n'],
    ['much more after the Z', TAG.generalizedTime, `20600101000000Z${'0'.repeat(5000)}`],
  ];
  for (const [rule, tag, text] of refused) {
    it(`refuses ${rule}`, () => assert.ok(!read(encode(tag, new TextEncoder().encode(text))).ok));
  }

  it('read back, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(9999, 11, 31) }), (at) => {
        assert.deepEqual(read(encodeTime(at)), { ok: true, value: Math.floor(at / 1000) * 1000 });
      }),
    );
  });
});
