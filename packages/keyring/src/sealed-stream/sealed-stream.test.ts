import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { CHUNK_OCTETS, SEALED_CHUNK_OCTETS } from './chunk.ts';
import { openStream } from './open-stream.ts';
import { sealStream } from './seal-stream.ts';

const PASSPHRASE = 'three words and a bird';
const CONTEXT = 'test';
/** Cheap, because these tests are about the chunks. */
const COST = { N: 2 ** 10, r: 8, p: 1 };

async function* pieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function joined(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function seal(plaintext: Uint8Array): Promise<Buffer> {
  return joined(sealStream(pieces(plaintext), { passphrase: PASSPHRASE, context: CONTEXT, cost: COST }));
}

function open(sealed: Uint8Array, { passphrase = PASSPHRASE, context = CONTEXT } = {}): Promise<Buffer> {
  return joined(openStream(pieces(sealed, 7777), { passphrase, context }));
}

describe('a sealed stream', () => {
  for (const length of [0, 1, CHUNK_OCTETS - 1, CHUNK_OCTETS, CHUNK_OCTETS + 1, 3 * CHUNK_OCTETS]) {
    it(`of ${length} bytes opens to what was sealed`, async () => {
      const plaintext = randomBytes(length);
      assert.deepEqual(await open(await seal(plaintext)), plaintext);
    });
  }

  it('is refused with another passphrase, and for another use', async () => {
    const sealed = await seal(Buffer.from('secret'));
    await assert.rejects(open(sealed, { passphrase: 'three words and a bee' }), /another passphrase/);
    await assert.rejects(open(sealed, { context: 'other' }), /damaged, cut off/);
  });

  it('takes no short passphrase', async () => {
    const stream = sealStream(pieces(Buffer.from('x')), { passphrase: 'short', context: CONTEXT, cost: COST });
    await assert.rejects(joined(stream), { code: 'INVALID_ARGUMENT' });
  });

  describe('that was tampered with is refused:', () => {
    const plaintext = randomBytes(3 * CHUNK_OCTETS + 5);
    const cases: Readonly<Record<string, (sealed: Buffer, start: number) => Uint8Array>> = {
      'the last chunk is missing': (sealed, start) => sealed.subarray(0, start + 3 * SEALED_CHUNK_OCTETS),
      'cut within a chunk': (sealed) => sealed.subarray(0, -1),
      'cut within its head': (sealed) => sealed.subarray(0, 20),
      'nothing is left': () => new Uint8Array(),
      'two chunks changed places': (sealed, start) => {
        const [first, second, third] = [0, 1, 2].map((at) => start + at * SEALED_CHUNK_OCTETS);
        return Buffer.concat([
          sealed.subarray(0, first),
          sealed.subarray(second, third),
          sealed.subarray(first, second),
          sealed.subarray(third),
        ]);
      },
      'a chunk comes twice': (sealed, start) =>
        Buffer.concat([sealed.subarray(0, start + SEALED_CHUNK_OCTETS), sealed.subarray(start)]),
      'something was added': (sealed) => Buffer.concat([sealed, Buffer.from('more')]),
    };
    for (const [what, change] of Object.entries(cases)) {
      it(what, async () => {
        const sealed = await seal(plaintext);
        const start = sealed.length - (3 * SEALED_CHUNK_OCTETS + 5 + 16);
        await assert.rejects(open(change(sealed, start)), { code: 'KEY_UNREADABLE' });
      });
    }

    it('one bit of any part', async () => {
      const sealed = await seal(randomBytes(100));
      for (let at = 0; at < sealed.length; at += 13) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await assert.rejects(open(changed), { code: 'KEY_UNREADABLE' }, `byte ${at}`);
      }
    });
  });
});
