import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inIpBlock, parseIpAddress, parseIpBlock } from './ip-block.ts';

const cases: readonly [fact: string, block: string, address: string, expected: boolean][] = [
  ['a single address is a block of one', '10.1.2.3', '10.1.2.3', true],
  ['a single address is no other', '10.1.2.3', '10.1.2.4', false],
  ['the first bits decide', '10.0.0.0/8', '10.255.0.1', true],
  ['other first bits', '10.0.0.0/8', '11.0.0.1', false],
  ['bits within a byte', '192.168.4.0/22', '192.168.7.255', true],
  ['bits within a byte, outside', '192.168.4.0/22', '192.168.8.0', false],
  ['the high bit is a bit like others', '128.0.0.0/1', '255.0.0.1', true],
  ['bits after the prefix are not looked at', '10.1.2.3/8', '10.9.9.9', true],
  ['every IPv4 address', '0.0.0.0/0', '255.255.255.255', true],
  ['IPv6', 'fd00::/8', 'fd12:3456::1', true],
  ['IPv6 outside', 'fd00::/8', 'fe80::1', false],
  ['IPv6 over a word', '2001:db8:0:1::/64', '2001:db8:0:1:ffff::', true],
  ['IPv6 over a word, outside', '2001:db8:0:1::/64', '2001:db8:0:2::', false],
  ['IPv6 in another spelling', '2001:DB8::1', '2001:0db8:0:0:0:0:0:1', true],
  ['families do not mix', '0.0.0.0/0', '::1', false],
  ['IPv4 inside IPv6 is IPv4', '10.0.0.0/8', '::ffff:10.0.0.1', true],
  ['IPv4 inside IPv6 is IPv4 in a block as well', '::ffff:10.0.0.0/104', '10.0.0.1', true],
];

for (const [fact, block, address, expected] of cases) {
  test(`${fact}: ${address} is ${expected ? '' : 'not '}in ${block}`, () => {
    const parsed = parseIpBlock(block);
    const words = parseIpAddress(address);
    assert.ok(parsed.ok && words !== undefined);
    assert.equal(inIpBlock(parsed.value, words), expected);
  });
}

for (const text of [
  '',
  '10',
  '10.0.0',
  '10.0.0.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.1 ',
  '1.2.3.4:80',
  '::1%eth0',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'g::',
  '1.2.3.4::',
  '::1.2.3',
  '[::1]',
]) {
  test(`${JSON.stringify(text)} is no address`, () => {
    assert.equal(parseIpAddress(text), undefined);
    assert.ok(!parseIpBlock(text).ok);
  });
}

for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/08', '::/129', '10.0.0.0/8/8', '/8']) {
  test(`${JSON.stringify(text)} is no block`, () => assert.ok(!parseIpBlock(text).ok));
}

test('an address is in a block when their first bits are the same text', () => {
  const word = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(
      fc.tuple(word, word, word, word),
      fc.tuple(word, word, word, word),
      fc.integer({ min: 0, max: 32 }),
      (a, b, prefix) => {
        const bits = (bytes: readonly number[]): string =>
          bytes
            .map((byte) => byte.toString(2).padStart(8, '0'))
            .join('')
            .slice(0, prefix);
        const block = parseIpBlock(`${a.join('.')}/${prefix}`);
        const address = parseIpAddress(b.join('.'));
        assert.ok(block.ok && address !== undefined);
        assert.equal(inIpBlock(block.value, address), bits(a) === bits(b));
      },
    ),
  );
});
