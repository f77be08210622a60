import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import type { KeyStore } from './key-store.ts';
import type { Signer } from './signer.ts';

const BAD_NAMES = ['', '.', '..', '../root', 'a/b', 'Root', 'a.b', '-a', 'a-', 'a b', 'ä', 'a\0b', 'x'.repeat(64)];

/** What every `KeyStore` has to do. `create` gives a fresh, empty store each time. Call it inside a test file. */
export function keyStoreConformance(name: string, create: () => KeyStore | Promise<KeyStore>): void {
  describe(`${name} is a key store`, () => {
    it('opens nothing under a name that was never created', async () => {
      const store = await create();
      assert.equal(await store.open('root'), undefined);
    });

    it('signs ECDSA P-256 with SHA-256 under the public key that it shows', async () => {
      const signer = await (await create()).create('root');
      await assertSigns(signer);
    });

    it('opens the key that was created', async () => {
      const store = await create();
      const created = await store.create('root');
      const opened = await store.open('root');
      assert.ok(opened);
      assert.deepEqual(opened.publicKeyDer, created.publicKeyDer);
      await assertSigns(opened);
    });

    it('gives each name its own key', async () => {
      const store = await create();
      const [one, other] = [await store.create('root'), await store.create('intermediate-1')];
      assert.notDeepEqual(one.publicKeyDer, other.publicKeyDer);
    });

    it('never replaces a key', async () => {
      const store = await create();
      const { publicKeyDer } = await store.create('root');
      await assert.rejects(store.create('root'), { code: 'ALREADY_EXISTS' });
      assert.deepEqual((await store.open('root'))?.publicKeyDer, publicKeyDer);
    });

    it('lets one of several creators of the same name win', async () => {
      const store = await create();
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => store.create('root')));
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      assert.equal(winners.length, 1);
      assert.deepEqual((await store.open('root'))?.publicKeyDer, winners[0]?.value.publicKeyDer);
    });

    it('signs many things at once', async () => {
      const signer = await (await create()).create('root');
      await Promise.all(Array.from({ length: 50 }, () => assertSigns(signer)));
    });

    for (const bad of BAD_NAMES) {
      it(`refuses the name ${JSON.stringify(bad)}`, async () => {
        const store = await create();
        await assert.rejects(store.create(bad), { code: 'INVALID_ARGUMENT' });
        await assert.rejects(store.open(bad), { code: 'INVALID_ARGUMENT' });
      });
    }
  });
}

async function assertSigns(signer: Signer): Promise<void> {
  const data = new TextEncoder().encode('the signed part of a certificate');
  const signature = await signer.sign(data);
  const publicKey = createPublicKey({ key: Buffer.from(signer.publicKeyDer), format: 'der', type: 'spki' });
  assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(verify('sha256', data, publicKey, signature));
  assert.ok(!verify('sha256', data.subarray(1), publicKey, signature));
}
