import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { FRAME, LONGEST_DATA } from './format.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';

/** What a reader found, pieces of one DATA frame put together. */
class Found {
  readonly frames: string[] = [];
  readonly reader: FrameReader = new FrameReader({
    dataBegins: (stream, length) => {
      this.frames.push(`DATA ${stream} ${length} `);
      return { take: (piece) => (this.frames[this.frames.length - 1] += piece.toString('hex')) };
    },
    frame: (type, stream, payload) => this.frames.push(`${type} ${stream} ${payload.toString('hex')}`),
    malformed: (problem) => this.frames.push(problem),
  });
}

function sample(): Buffer {
  const writer = new FrameWriter();
  writer.bytes(FRAME.HELLO, 0, Buffer.from('0000040000010000', 'hex'));
  writer.bytes(FRAME.OPEN, 1, Buffer.from('01001f90', 'hex'));
  writer.data(1, Buffer.from('question'));
  writer.empty(FRAME.END, 1);
  writer.word(FRAME.WINDOW, 1, 32_768);
  writer.byte(FRAME.RESET, 1, 16);
  writer.byte(FRAME.GOAWAY, 0, 0);
  return Buffer.concat(writer.take());
}

const expected = [
  '1 0 0000040000010000',
  '2 1 01001f90',
  'DATA 1 8 7175657374696f6e',
  '4 1 ',
  '6 1 00008000',
  '5 1 10',
  '9 0 00',
];

function header(type: number, stream: number, { flags = 0, length = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(flags, 1);
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt32BE(stream, 4);
  return bytes;
}

describe('frames', () => {
  it('are eight bytes of header and the payload', () => {
    assert.equal(
      sample().toString('hex'),
      [
        '01000008000000000000040000010000',
        '020000040000000101001f90',
        '03000008000000017175657374696f6e',
        '0400000000000001',
        '060000040000000100008000',
        '050000010000000110',
        '090000010000000000',
      ].join(''),
    );
  });

  it('are read the same, wherever their bytes are cut', () => {
    const bytes = sample();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (cuts) => {
        const found = new Found();
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const piece = bytes.subarray(at, at + (cuts[cut % cuts.length] ?? 1));
          found.reader.push(piece);
          at += piece.length;
        }
        assert.deepEqual(found.frames, expected);
      }),
      { numRuns: 300 },
    );
  });

  it('of any number leave the writer in order', () => {
    const writer = new FrameWriter();
    const found = new Found();
    const lengths = Array.from({ length: 400 }, (_, index) => (index % 7 === 0 ? LONGEST_DATA : index + 1));
    for (const [index, length] of lengths.entries()) {
      writer.data(index + 1, Buffer.alloc(length, index));
      if (index % 50 === 49) for (const part of writer.take()) found.reader.push(Buffer.from(part));
    }
    assert.equal(writer.pending, 0);
    assert.deepEqual(
      found.frames,
      lengths.map((length, index) => `DATA ${index + 1} ${length} ${Buffer.alloc(length, index).toString('hex')}`),
    );
  });

  const malformed: readonly (readonly [rule: string, bytes: Buffer, problem: string])[] = [
    ['a type that does not exist', header(0, 0), 'frame of unknown type 0'],
    ['a type of a later version', header(10, 0), 'frame of unknown type 10'],
    ['flags', header(FRAME.END, 1, { flags: 1 }), 'frame of type 4 with flags'],
    ['DATA of no bytes', header(FRAME.DATA, 1), 'frame of type 3 with a payload of 0 bytes'],
    [
      'DATA too long',
      header(FRAME.DATA, 1, { length: LONGEST_DATA + 1 }),
      'frame of type 3 with a payload of 16377 bytes',
    ],
    ['a PING too short', header(FRAME.PING, 0, { length: 7 }), 'frame of type 7 with a payload of 7 bytes'],
    ['DATA about the session', header(FRAME.DATA, 0, { length: 1 }), 'frame of type 3 about stream 0'],
    ['PING about a stream', header(FRAME.PING, 1, { length: 8 }), 'frame of type 7 about stream 1'],
    ['a stream beyond the last', header(FRAME.END, 2 ** 31), 'frame of type 4 about stream 2147483648'],
  ];
  for (const [rule, bytes, problem] of malformed) {
    it(`malformed: ${rule}; nothing behind it is read`, () => {
      const found = new Found();
      found.reader.push(Buffer.concat([bytes, sample()]));
      found.reader.push(sample());
      assert.deepEqual(found.frames, [problem]);
    });
  }
});
