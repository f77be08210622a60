import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import type { KeyStore } from './key-store.ts';
import type { KeyType, Signer } from './signer.ts';

const KEY_TYPES: readonly KeyType[] = ['ec-p256', 'ed25519', 'rsa-2048'];
const BAD_NAMES = ['', '.', '..', '../root', 'a/b', 'Root', 'a.b', '-a', 'a-', 'a b', 'ä', 'a\0b', 'x'.repeat(64)];

/** Kind, curve and bits. */
const PUBLIC_KEYS: Readonly<Record<KeyType, readonly (string | number | undefined)[]>> = {
  'ec-p256': ['ec', 'prime256v1', undefined],
  ed25519: ['ed25519', undefined, undefined],
  'rsa-2048': ['rsa', undefined, 2048],
};

/** What every `KeyStore` has to do. `create` gives a fresh, empty store each time. Call it inside a test file. */
export function keyStoreConformance(name: string, create: CreateStore): void {
  describe(`${name} is a key store`, () => {
    kindRules(create);
    nameRules(create);

    for (const bad of BAD_NAMES) {
      it(`refuses the name ${JSON.stringify(bad)}`, async () => {
        const store = await create();
        await assert.rejects(store.create(bad), { code: 'INVALID_ARGUMENT' });
        await assert.rejects(store.open(bad), { code: 'INVALID_ARGUMENT' });
      });
    }
  });
}

type CreateStore = () => KeyStore | Promise<KeyStore>;

function kindRules(create: CreateStore): void {
  it('makes EC P-256 keys unless told otherwise', async () => {
    const signer = await (await create()).create('root');
    assert.equal(signer.keyType, 'ec-p256');
    await assertSigns(signer);
  });

  for (const keyType of KEY_TYPES) {
    it(`signs with ${keyType} under the public key that it shows`, async () => {
      const signer = await (await create()).create('root', keyType);
      assert.equal(signer.keyType, keyType);
      await assertSigns(signer);
    });

    it(`opens the ${keyType} key that was created`, async () => {
      const store = await create();
      const created = await store.create('root', keyType);
      const opened = await store.open('root');
      assert.ok(opened);
      assert.equal(opened.keyType, keyType);
      assert.deepEqual(opened.publicKeyDer, created.publicKeyDer);
      await assertSigns(opened);
    });
  }

  it('keeps a key whose name is asked for as another kind', async () => {
    const store = await create();
    await store.create('root', 'ed25519');
    await assert.rejects(store.create('root', 'ec-p256'), { code: 'ALREADY_EXISTS' });
    assert.equal((await store.open('root'))?.keyType, 'ed25519');
  });

  it('signs many things at once', async () => {
    const signer = await (await create()).create('root');
    await Promise.all(Array.from({ length: 50 }, () => assertSigns(signer)));
  });
}

function nameRules(create: CreateStore): void {
  it('opens nothing under a name that was never created', async () => {
    const store = await create();
    assert.equal(await store.open('root'), undefined);
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
}

async function assertSigns(signer: Signer): Promise<void> {
  const data = new TextEncoder().encode('the signed part of a certificate');
  const signature = await signer.sign(data);
  const publicKey = createPublicKey({ key: Buffer.from(signer.publicKeyDer), format: 'der', type: 'spki' });
  const { asymmetricKeyType: kind, asymmetricKeyDetails: { namedCurve, modulusLength } = {} } = publicKey;
  assert.deepEqual([kind, namedCurve, modulusLength], PUBLIC_KEYS[signer.keyType]);
  const octets = { 'ec-p256': undefined, ed25519: 64, 'rsa-2048': 256 }[signer.keyType];
  if (octets !== undefined) assert.equal(signature.length, octets);
  const digest = signer.keyType === 'ed25519' ? null : 'sha256';
  assert.ok(verify(digest, data, publicKey, signature));
  assert.ok(!verify(digest, data.subarray(1), publicKey, signature));
}
