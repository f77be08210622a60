import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { fromKeyFile } from './key-file.ts';
import { fromPassphrase } from './passphrase.ts';

let scratch = '';
let file = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rampart-kek-'));
});
after(async () => {
  await rm(scratch, { recursive: true });
});
beforeEach(async () => {
  file = join(await mkdtemp(join(scratch, 'kek-')), 'kek');
});

const dataKey = Uint8Array.from({ length: 32 }, (_, index) => index);
/** scrypt at a cost that a test suite can bear. */
const cost = { N: 1024, r: 8, p: 1 };
const passphrase = 'correct horse battery staple';

async function assertSameKey(one: KeyEncryptionKey, other: KeyEncryptionKey): Promise<void> {
  assert.deepEqual(await other.unwrap(await one.wrap(dataKey)), dataKey);
}

describe('fromKeyFile', () => {
  it('makes a file of 32 bytes for its owner only, and uses it from then on', async () => {
    const made = await fromKeyFile(file);
    const status = await stat(file);
    assert.equal(status.mode & 0o777, 0o600);
    assert.equal(status.size, 32);
    await assertSameKey(made, await fromKeyFile(file));
  });

  it('gives everybody the same key when several start at once', async () => {
    const [first, ...others] = await Promise.all([1, 2, 3, 4, 5].map(() => fromKeyFile(file)));
    assert.ok(first);
    for (const other of others) await assertSameKey(first, other);
  });

  it('does not wrap twice alike', async () => {
    const kek = await fromKeyFile(file);
    assert.notDeepEqual(await kek.wrap(dataKey), await kek.wrap(dataKey));
  });

  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o644]) {
    it(`refuses a file of mode 0${mode.toString(8)}, and says how to mend it`, async () => {
      await fromKeyFile(file);
      await chmod(file, mode);
      const message = `key file ${file} can be accessed by other users (mode 0${mode.toString(8)}); run: chmod 600 ${file}`;
      await assert.rejects(fromKeyFile(file), { code: 'KEY_UNREADABLE', message });
    });
  }

  for (const length of [0, 31, 33, 64]) {
    it(`refuses a file of ${length} bytes rather than replacing it`, async () => {
      await writeFile(file, new Uint8Array(length), { mode: 0o600 });
      await assert.rejects(fromKeyFile(file), { code: 'KEY_UNREADABLE', message: /where 32 are expected; restore it/ });
      assert.equal((await stat(file)).size, length);
    });
  }
});

describe('fromPassphrase', () => {
  it('stores salt and cost, and derives the same key from them later', async () => {
    const made = await fromPassphrase({ passphrase, file, cost });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const stored = await readFile(file, 'utf8');
    assert.match(stored, /"N": 1024/);
    assert.ok(!stored.includes(passphrase));
    await assertSameKey(made, await fromPassphrase({ passphrase, file }));
  });

  it('takes the stored cost, not the one given later', async () => {
    const made = await fromPassphrase({ passphrase, file, cost });
    await assertSameKey(made, await fromPassphrase({ passphrase, file, cost: { N: 2048, r: 8, p: 1 } }));
  });

  it('takes the default cost within the limits of Node', async () => {
    await fromPassphrase({ passphrase, file });
    assert.match(await readFile(file, 'utf8'), /"N": 131072/);
  });

  it('takes the same text in another Unicode form', async () => {
    const made = await fromPassphrase({ passphrase: 'Gr\u00fc\u00dfe aus der Ferne', file, cost });
    await assertSameKey(made, await fromPassphrase({ passphrase: 'Gru\u0308\u00dfe aus der Ferne', file }));
  });

  it('salts: the same passphrase gives another key elsewhere', async () => {
    const one = await fromPassphrase({ passphrase, file, cost });
    const other = await fromPassphrase({ passphrase, file: `${file}-2`, cost });
    await assert.rejects(other.unwrap(await one.wrap(dataKey)), { code: 'KEY_UNREADABLE' });
  });

  it('tells a wrong passphrase at once', async () => {
    await fromPassphrase({ passphrase, file, cost });
    const wrong = fromPassphrase({ passphrase: `${passphrase}!`, file });
    await assert.rejects(wrong, { code: 'KEY_UNREADABLE', message: /made with another passphrase/ });
  });

  it('refuses a short passphrase', async () => {
    await assert.rejects(fromPassphrase({ passphrase: 'short', file }), { code: 'INVALID_ARGUMENT' });
  });

  const good = { version: 1, kdf: 'scrypt', N: 1024, r: 8, p: 1, salt: '00'.repeat(16), keyId: '00'.repeat(8) };
  const damaged: readonly (readonly [name: string, text: string])[] = [
    ['empty', ''],
    ['not JSON', '{"version": 1'],
    ['not an object', 'null'],
    ['another version', JSON.stringify({ ...good, version: 2 })],
    ['another function', JSON.stringify({ ...good, kdf: 'pbkdf2' })],
    ['no cost', JSON.stringify({ ...good, N: 0 })],
    ['a cost that is no power of two', JSON.stringify({ ...good, N: 1000 })],
    ['a cost that would take all memory', JSON.stringify({ ...good, N: 2 ** 30 })],
    ['a block size that would', JSON.stringify({ ...good, r: 1_000_000 })],
    ['endless parallelism', JSON.stringify({ ...good, p: 1_000_000 })],
    ['a short salt', JSON.stringify({ ...good, salt: '00' })],
    ['a salt that is not text', JSON.stringify({ ...good, salt: 7 })],
    ['no key id', JSON.stringify({ ...good, keyId: undefined })],
  ];
  for (const [name, text] of damaged) {
    it(`refuses a damaged file: ${name}`, async () => {
      await writeFile(file, text, { mode: 0o600 });
      const refused = fromPassphrase({ passphrase, file });
      await assert.rejects(refused, { code: 'KEY_UNREADABLE', message: /does not hold scrypt parameters; restore it/ });
    });
  }

  it('refuses a file that others can read', async () => {
    await fromPassphrase({ passphrase, file, cost });
    await chmod(file, 0o644);
    await assert.rejects(fromPassphrase({ passphrase, file }), { code: 'KEY_UNREADABLE', message: /chmod 600/ });
  });
});
