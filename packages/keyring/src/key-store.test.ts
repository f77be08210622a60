import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { keyStoreConformance } from './conformance.ts';
import { FileKeyStore } from './file-key-store.ts';
import { localKeyEncryptionKey } from './key-encryption-key.ts';
import { MemoryKeyStore } from './memory-key-store.ts';
import { seal } from './seal.ts';

let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rampart-keyring-'));
});
after(async () => {
  await rm(scratch, { recursive: true });
});

const keyEncryptionKey = localKeyEncryptionKey(randomBytes(32));

async function freshDirectory(): Promise<string> {
  return join(await mkdtemp(join(scratch, 'store-')), 'data', 'keys');
}

async function storeWithKey(): Promise<{ directory: string; store: FileKeyStore; file: string }> {
  const directory = await freshDirectory();
  const store = new FileKeyStore({ directory, keyEncryptionKey });
  await store.create('root');
  return { directory, store, file: join(directory, 'root.key') };
}

keyStoreConformance('MemoryKeyStore', () => new MemoryKeyStore());
keyStoreConformance(
  'FileKeyStore',
  async () => new FileKeyStore({ directory: await freshDirectory(), keyEncryptionKey }),
);

describe('FileKeyStore', () => {
  it('finds its keys again after a restart', async () => {
    const { directory, store } = await storeWithKey();
    const reopened = await new FileKeyStore({ directory, keyEncryptionKey }).open('root');
    assert.deepEqual(reopened?.publicKeyDer, (await store.open('root'))?.publicKeyDer);
  });

  it('lets one of two stores on the same directory create a name', async () => {
    const directory = await freshDirectory();
    const stores = [1, 2, 3, 4].map(() => new FileKeyStore({ directory, keyEncryptionKey }));
    const outcomes = await Promise.allSettled(stores.map((store) => store.create('root')));
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), [
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
  });

  it('keeps files and directories to its owner, and leaves nothing else behind', async () => {
    const { directory, file } = await storeWithKey();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(directory), ['root.key']);
  });

  it('never writes the private key in the clear', async () => {
    const { file } = await storeWithKey();
    const bytes = await readFile(file);
    // The algorithm identifier with which every PKCS#8 P-256 key begins, and its PEM label.
    assert.ok(!bytes.includes(Buffer.from('2a8648ce3d030107', 'hex')));
    assert.ok(!bytes.includes('PRIVATE'));
  });

  it('is not troubled by the temporary file of a crash', async () => {
    const { directory, store } = await storeWithKey();
    await writeFile(join(directory, '.root.key.0123456789ab.tmp'), 'half a k');
    await writeFile(join(directory, '.later.key.0123456789ab.tmp'), '');
    assert.ok(await store.open('root'));
    assert.equal(await store.open('later'), undefined);
    assert.ok(await store.create('later'));
  });
});

describe('a key file that cannot be used is KEY_UNREADABLE, named, and never quoted', () => {
  type Damage = (file: string, directory: string) => Promise<unknown>;
  const cases: readonly (readonly [name: string, damage: Damage, message: RegExp])[] = [
    [
      'empty, as after a crash of another program',
      (file) => truncate(file, 0),
      /cannot be decrypted.*restore the file from a backup/,
    ],
    ['cut off', (file) => truncate(file, 100), /cannot be decrypted.*cut off/],
    [
      'not a sealed value',
      (file) => writeFile(file, 'my-secret-text'),
      /cannot be decrypted.*not one that Rampart sealed/,
    ],
    [
      'changed',
      async (file) => writeFile(file, Buffer.concat([(await readFile(file)).subarray(0, -4), Buffer.alloc(4)])),
      /cannot be decrypted.*damaged/,
    ],
    ['readable by its group', (file) => chmod(file, 0o640), /mode 0640\); run: chmod 600/],
    ['writable by the world', (file) => chmod(file, 0o602), /mode 0602\); run: chmod 600/],
    ['too large', (file) => truncate(file, 70_000), /larger than 65536 bytes/],
    ['a directory', async (file) => rm(file).then(() => mkdir(file, { mode: 0o700 })), /not a regular file/],
  ];
  for (const [name, damage, message] of cases) {
    it(name, async () => {
      const { directory, store, file } = await storeWithKey();
      await damage(file, directory);
      await assert.rejects(store.open('root'), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'KEY_UNREADABLE');
        assert.match(error.message, message);
        assert.ok(error.message.includes(file), 'names the file');
        assert.ok(!error.message.includes('my-secret-text'), 'does not quote it');
        return true;
      });
    });
  }

  it('under another key-encryption key', async () => {
    const { directory, file } = await storeWithKey();
    const other = new FileKeyStore({ directory, keyEncryptionKey: localKeyEncryptionKey(randomBytes(32)) });
    await assert.rejects(other.open('root'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'KEY_UNREADABLE');
      assert.match(error.message, /protected by another key-encryption key; start with the key-encryption key/);
      return error.message.includes(file);
    });
  });

  it('renamed to another key', async () => {
    const { directory, store, file } = await storeWithKey();
    await writeFile(join(directory, 'other.key'), await readFile(file), { mode: 0o600 });
    await assert.rejects(store.open('other'), { code: 'KEY_UNREADABLE', message: /sealed for another place/ });
  });

  it('holding another kind of key', async () => {
    const { store, file } = await storeWithKey();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const plaintext = privateKey.export({ type: 'pkcs8', format: 'der' });
    await writeFile(file, await seal(plaintext, { kek: keyEncryptionKey, context: 'rampart signing key root' }));
    await assert.rejects(store.open('root'), {
      code: 'KEY_UNREADABLE',
      message: /does not hold an EC P-256, Ed25519 or RSA 2048 key/,
    });
  });

  it('holding no key at all', async () => {
    const { store, file } = await storeWithKey();
    await writeFile(
      file,
      await seal(Buffer.from('not a key'), { kek: keyEncryptionKey, context: 'rampart signing key root' }),
    );
    await assert.rejects(store.open('root'), {
      code: 'KEY_UNREADABLE',
      message: /does not hold an EC P-256, Ed25519 or RSA 2048 key/,
    });
  });
});

describe('a directory that cannot be written to', () => {
  it('is STORAGE_FAILED and names the file', async () => {
    const file = join(await mkdtemp(join(scratch, 'store-')), 'a-file');
    await writeFile(file, '');
    const store = new FileKeyStore({ directory: join(file, 'keys'), keyEncryptionKey });
    await assert.rejects(store.create('root'), { code: 'STORAGE_FAILED', message: /root\.key cannot be written/ });
  });
});
