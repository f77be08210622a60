import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { ByteQueue } from './byte-queue.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.integer({ min: 1, max: 300 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.integer({ min: 1, max: 20_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('shift' as const, 'move' as const),
      bytes: fc.integer({ min: 1, max: 5000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), bytes: fc.constant(0) }) },
);

describe('bytes that wait', () => {
  it('come out as they went in, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new ByteQueue();
        let model: number[] = [];
        let next = 0;
        for (const { kind, bytes } of steps) {
          if (kind === 'push') {
            const piece = Buffer.from(Array.from({ length: bytes }, () => (next = (next * 5 + 1) & 0xff)));
            queue.push(piece);
            model.push(...piece);
          } else if (kind === 'clear') {
            queue.clear();
            model = [];
          } else {
            const length = kind === 'move' ? Math.min(bytes, model.length) : bytes;
            const target = Buffer.alloc(length + 2);
            if (kind === 'move') queue.moveTo(target, 1, length);
            const out = kind === 'move' ? target.subarray(1, length + 1) : (queue.shift(length) ?? Buffer.alloc(0));
            assert.ok(out.length > 0 || model.length === 0);
            assert.deepEqual([...out], model.splice(0, out.length));
          }
          assert.equal(queue.length, model.length);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('hold little more memory than their length, also of single bytes out of large chunks', () => {
    const queue = new ByteQueue();
    const chunk = Buffer.alloc(16_384);
    for (let index = 0; index < 10_000; index += 1) queue.push(chunk.subarray(index, index + 1));
    for (let index = 0; index < 3; index += 1) queue.push(Buffer.alloc(65_536).subarray(0, 5000));
    const memory = new Set<ArrayBufferLike>();
    for (let piece = queue.shift(100_000); piece !== undefined; piece = queue.shift(100_000)) memory.add(piece.buffer);
    const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
    assert.ok(held <= 2 * 25_000, `${held} bytes for 25,000`);
  });

  it('keep a large piece as it is', () => {
    const queue = new ByteQueue();
    const piece = Buffer.alloc(100_000);
    queue.push(piece);
    assert.equal(queue.shift(100_000)?.buffer, piece.buffer);
  });
});
