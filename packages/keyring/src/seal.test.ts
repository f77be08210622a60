import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type KeyEncryptionKey, localKeyEncryptionKey } from './key-encryption-key.ts';
import { open, seal } from './seal.ts';

const kek = localKeyEncryptionKey(randomBytes(32));
const context = 'rampart signing key root';
const plaintext = new TextEncoder().encode('nothing to see here');
const HEADER = 'RPSL\u0001';

function wrapsTo(size: number): KeyEncryptionKey {
  return { wrap: async () => new Uint8Array(size), unwrap: async () => new Uint8Array(32) };
}

describe('seal and open', () => {
  it('give back what was sealed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.string(), async (bytes, place) => {
        const sealed = await seal(bytes, { kek, context: place });
        assert.deepEqual(await open(sealed, { kek, context: place }), new Uint8Array(bytes));
      }),
    );
  });

  it('never give the same bytes twice, nor show the plaintext', async () => {
    const sealed = await Promise.all(Array.from({ length: 200 }, () => seal(plaintext, { kek, context })));
    assert.equal(new Set(sealed.map((bytes) => Buffer.from(bytes).toString('hex'))).size, sealed.length);
    for (const bytes of sealed) assert.ok(!Buffer.from(bytes).includes(Buffer.from(plaintext)));
  });

  it('have one layout: header, wrapped key, nonce, ciphertext, tag', async () => {
    for (const length of [0, 1, 15, 16, 1000]) {
      const sealed = Buffer.from(await seal(new Uint8Array(length), { kek, context }));
      assert.equal(sealed.subarray(0, 5).toString('latin1'), HEADER);
      assert.equal(sealed.length, 5 + 2 + (8 + 12 + 32 + 16) + 12 + length + 16);
    }
  });
});

describe('what was sealed does not open', () => {
  it('after any single bit has changed', async () => {
    const sealed = await seal(plaintext, { kek, context });
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const damaged = new Uint8Array(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit % 8));
      await assert.rejects(open(damaged, { kek, context }), { code: 'KEY_UNREADABLE' }, `bit ${bit}`);
    }
  });

  it('when cut off anywhere, or with bytes added', async () => {
    const sealed = await seal(plaintext, { kek, context });
    for (let length = 0; length < sealed.length; length += 1) {
      await assert.rejects(open(sealed.subarray(0, length), { kek, context }), { code: 'KEY_UNREADABLE' });
    }
    await assert.rejects(open(Buffer.concat([sealed, Buffer.of(0)]), { kek, context }), { code: 'KEY_UNREADABLE' });
  });

  it('in another place', async () => {
    const sealed = await seal(plaintext, { kek, context });
    const elsewhere = { kek, context: 'rampart signing key other' };
    await assert.rejects(open(sealed, elsewhere), { code: 'KEY_UNREADABLE', message: /sealed for another place/ });
  });

  it('with another key-encryption key, which is told apart from damage', async () => {
    const sealed = await seal(plaintext, { kek, context });
    const other = { kek: localKeyEncryptionKey(randomBytes(32)), context };
    await assert.rejects(open(sealed, other), { code: 'KEY_UNREADABLE', message: /another key-encryption key/ });
  });

  it('when its version is of a later release', async () => {
    const sealed = await seal(plaintext, { kek, context });
    sealed[4] = 2;
    await assert.rejects(open(sealed, { kek, context }), { code: 'KEY_UNREADABLE', message: /version 2/ });
  });

  it('when it is anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (noise, headed) => {
        const bytes = headed ? Buffer.concat([Buffer.from(HEADER, 'latin1'), noise]) : noise;
        await assert.rejects(open(bytes, { kek, context }), { code: 'KEY_UNREADABLE' });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a key-encryption key', () => {
  it('that is not 32 bytes is refused', () => {
    for (const length of [0, 16, 31, 33]) {
      assert.throws(() => localKeyEncryptionKey(new Uint8Array(length)), { code: 'INVALID_ARGUMENT' });
    }
  });

  it('that cannot wrap fails the sealing', async () => {
    const broken = {
      wrap: async () => Promise.reject(new Error('KMS is away')),
      unwrap: async () => new Uint8Array(32),
    };
    await assert.rejects(seal(plaintext, { kek: broken, context }), { message: 'KMS is away' });
  });

  it('may be of any size on the outside, up to what the length field holds', async () => {
    await seal(plaintext, { kek: wrapsTo(65_535), context });
    await assert.rejects(seal(plaintext, { kek: wrapsTo(65_536), context }), { code: 'INTERNAL' });
  });
});
