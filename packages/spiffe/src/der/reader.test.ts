import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readBoolean, readInteger, readNamedBits, readOctetAlignedBits, readSmallInteger } from './primitives.ts';
import { decodeDer, DerProblem, DerReader } from './reader.ts';
import { TAG } from './tag.ts';
import { bitString, encode, namedBits, sequence, unsignedInteger } from './writer.ts';

/** Any DER tree, as nested tags and contents. */
type Tree =
  | { readonly tag: number; readonly content: Uint8Array }
  | { readonly tag: number; readonly children: readonly Tree[] };

const isConstructed = (tag: number): boolean => (tag & 0x20) !== 0;

function readTrees(reader: DerReader): Tree[] {
  const trees: Tree[] = [];
  while (!reader.done) {
    const tag = reader.peek() ?? 0;
    trees.push(
      isConstructed(tag)
        ? { tag, children: readTrees(reader.enter(tag, 'a node')) }
        : { tag, content: new Uint8Array(reader.any('a leaf').content) },
    );
  }
  return trees;
}

function write(tree: Tree): Uint8Array {
  return 'content' in tree ? encode(tree.tag, tree.content) : encode(tree.tag, ...tree.children.map(write));
}

const tags = fc.integer({ min: 0, max: 255 }).filter((tag) => (tag & 0x1f) !== 0x1f);
const plain = { noNullPrototype: true };
const contents = fc.uint8Array({ maxLength: 300 }).map((octets) => new Uint8Array(octets));
const { tree: trees } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.record({ tag: tags.map((tag) => tag & ~0x20), content: contents }, plain),
    fc.record({ tag: tags.map((tag) => tag | 0x20), children: fc.array(tie('tree'), { maxLength: 4 }) }, plain),
  ),
}));

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const problemOf = (hex: string, read: (reader: DerReader) => unknown = readTrees): string | undefined => {
  const result = decodeDer(bytes(hex), read);
  return result.ok ? undefined : result.problem;
};

describe('DER reader', () => {
  it('reads back whatever was written', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const encoded = write(tree);
        assert.deepEqual(decodeDer(encoded, readTrees), { ok: true, value: [tree] });
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts one encoding only: what it accepts, written again, is the same bytes', () => {
    fc.assert(
      fc.property(trees, fc.nat(), fc.integer({ min: 0, max: 255 }), (tree, position, octet) => {
        const damaged = write(tree);
        damaged[position % damaged.length] = octet;
        const read = decodeDer(damaged, readTrees);
        if (read.ok) assert.deepEqual(Buffer.concat(read.value.map(write)), Buffer.from(damaged));
      }),
      { numRuns: 5000 },
    );
  });

  it('gives a problem or a value for any bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const read = decodeDer(noise, readTrees);
        assert.ok(read.ok || read.problem.length > 0);
      }),
      { numRuns: 10_000 },
    );
  });

  it('gives a problem for every truncation', () => {
    const encoded = write({
      tag: 0x30,
      children: [
        { tag: 0x04, content: new Uint8Array(300) },
        { tag: 0x31, children: [] },
      ],
    });
    for (let length = 1; length < encoded.length; length += 1)
      assert.ok(!decodeDer(encoded.subarray(0, length), readTrees).ok);
  });

  it('lets errors that are not about the bytes through', () => {
    const bug = (): never => {
      throw new TypeError('a bug');
    };
    assert.throws(() => decodeDer(bytes('0500'), bug), TypeError);
  });

  it('survives nesting deeper than any stack', () => {
    // 80,000 indefinite-looking and 80,000 zero-length shells.
    assert.match(problemOf('30 80'.repeat(80_000)) ?? '', /indefinite/);
    let nested: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 1000; depth += 1) nested = sequence(nested);
    const read = decodeDer(nested, readTrees);
    assert.match(read.ok ? '' : read.problem, /nested deeper than 24 levels/);
  });

  const refused: readonly (readonly [rule: string, hex: string, problem: RegExp])[] = [
    ['an indefinite length', '30 80 00 00', /indefinite length/],
    ['the reserved length octet', '04 ff', /more than 3 bytes/],
    ['a length of four octets', '04 84 01 00 00 00', /more than 3 bytes/],
    ['a long length that fits the short form', '04 81 01 00', /not minimal/],
    ['a long length of 127', `04 81 7f ${'00'.repeat(127)}`, /not minimal/],
    ['a length with a leading zero octet', '04 82 00 80', /not minimal/],
    ['a multi-byte tag', '1f 81 01 00', /multi-byte tag/],
    ['a constructed multi-byte tag', 'bf 22 00', /multi-byte tag/],
    ['a content that runs past the end', '04 05 00', /runs past the end/],
    ['a child that runs past its parent', '30 03 04 02 00', /runs past the end/],
    ['a tag without length', '04', /cut off/],
    ['a length without its octets', '04 82 01', /cut off/],
  ];
  for (const [rule, hex, problem] of refused) {
    it(`refuses ${rule}`, () => assert.match(problemOf(hex) ?? 'accepted', problem));
  }

  it('refuses trailing bytes', () => {
    assert.match(problemOf('0500 00', (reader) => reader.element(TAG.null, 'the value')) ?? 'accepted', /trailing/);
  });

  it('refuses another tag than the expected one, and says which', () => {
    const problem = problemOf('0500', (reader) => reader.element(TAG.integer, 'the version'));
    assert.match(problem ?? 'accepted', /the version should have tag 0x02, found tag 0x05 \(at byte 0\)/);
    assert.match(problemOf('', (reader) => reader.element(TAG.integer, 'the version')) ?? 'accepted', /found the end/);
  });
});

describe('DER primitives', () => {
  type Read = (reader: DerReader, what: string) => unknown;
  const refused: readonly (readonly [rule: string, hex: string, read: Read])[] = [
    ['BOOLEAN other than 00 and ff', '01 01 01', readBoolean],
    ['BOOLEAN without content', '01 00', readBoolean],
    ['BOOLEAN of two bytes', '01 02 ff ff', readBoolean],
    ['INTEGER without content', '02 00', readInteger],
    ['INTEGER with a superfluous 00', '02 02 00 7f', readInteger],
    ['INTEGER with a superfluous ff', '02 02 ff 80', readInteger],
    ['small INTEGER that is negative', '02 01 ff', readSmallInteger],
    ['small INTEGER of two bytes', '02 02 01 00', readSmallInteger],
    ['BIT STRING without unused-bits octet', '03 00', readOctetAlignedBits],
    ['BIT STRING of whole bytes with unused bits', '03 02 01 fe', readOctetAlignedBits],
    ['named bits with 8 unused bits', '03 02 08 00', readNamedBits],
    ['named bits with trailing zero bits', '03 02 00 80', readNamedBits],
    ['named bits with a set padding bit', '03 02 05 b0', readNamedBits],
    ['named bits with a trailing zero byte', '03 03 00 80 00', readNamedBits],
    ['named bits, empty but for unused bits', '03 01 07', readNamedBits],
  ];
  for (const [rule, hex, read] of refused) {
    it(`refuse ${rule}`, () => {
      assert.ok(!decodeDer(bytes(hex), (reader) => read(reader, 'the value')).ok);
      assert.throws(() => read(DerReader.over(bytes(hex)), 'the value'), DerProblem);
    });
  }

  it('read named bits from the most significant on', () => {
    assert.deepEqual(
      decodeDer(namedBits(0, 2, 5), (reader) => [...readNamedBits(reader, 'bits')]),
      { ok: true, value: [0, 2, 5] },
    );
    assert.deepEqual(
      decodeDer(bytes('03 03 07 00 80'), (reader) => [...readNamedBits(reader, 'bits')]),
      { ok: true, value: [8] },
    );
    assert.deepEqual(
      decodeDer(bytes('03 01 00'), (reader) => [...readNamedBits(reader, 'bits')]),
      { ok: true, value: [] },
    );
  });

  it('read back integers and bit strings', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (magnitude) => {
        const value = decodeDer(unsignedInteger(magnitude), (reader) =>
          Buffer.from(readInteger(reader, 'a number')).toString('hex'),
        );
        assert.equal(
          BigInt(`0x${value.ok ? value.value : 'no'}`),
          BigInt(`0x${Buffer.from(magnitude).toString('hex')}`),
        );
        const bits = decodeDer(bitString(magnitude), (reader) => new Uint8Array(readOctetAlignedBits(reader, 'bits')));
        assert.deepEqual(bits, { ok: true, value: new Uint8Array(magnitude) });
      }),
    );
  });
});
