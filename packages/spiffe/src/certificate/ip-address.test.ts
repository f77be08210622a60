import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

describe('IP addresses', () => {
  // RFC 5952 §4: the text to read and the one canonical text.
  const cases: readonly (readonly [text: string, canonical: string])[] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0DB8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ];
  for (const [text, canonical] of cases) {
    it(`${text} is ${canonical}`, () => {
      const octets = parseIpAddress(text);
      assert.ok(octets);
      assert.equal(formatIpAddress(octets), canonical);
    });
  }

  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', ':::', '1::2::3', 'fe80::1%eth0', 'localhost', ' ::1']) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseIpAddress(text), undefined));
  }

  it('read back from their text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
        (octets) => {
          assert.deepEqual(parseIpAddress(formatIpAddress(octets) ?? ''), new Uint8Array(octets));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
