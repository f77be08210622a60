import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inIpBlock, parseIpAddress, parseIpBlock, type IpBlock } from './ip-block.ts';
import { compileIpBlocks } from './ip-blocks.ts';

/** Few different bytes, so that blocks hold each other and addresses meet them. */
const byte = fc.constantFrom(0, 1, 10, 127, 128, 255);
const v4 = fc.array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'));
const v6 = fc
  .array(fc.constantFrom('0', '1', '7fff', '8000', 'ffff'), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(':'));
const block = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => blockOf(`${address}/${prefix}`)),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, prefix]) => blockOf(`${address}/${prefix}`)),
);

function blockOf(text: string): IpBlock {
  const parsed = parseIpBlock(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

test('many blocks say what each of them says, one by one', () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 12 }), fc.oneof(v4, v6), (blocks, text) => {
      const address = parseIpAddress(text);
      assert.ok(address);
      assert.equal(
        compileIpBlocks(blocks)(address),
        blocks.some((each) => inIpBlock(each, address)),
      );
    }),
    { numRuns: 5000 },
  );
});

test('no address lies in no block, not even in one that holds all', () => {
  assert.equal(compileIpBlocks([blockOf('0.0.0.0/0'), blockOf('::/0')])(undefined), false);
});
