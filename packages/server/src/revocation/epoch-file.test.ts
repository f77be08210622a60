import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { RevocationAct } from '@rampart/authority';
import { localKeyEncryptionKey } from '@rampart/keyring';
import { type EpochFile, type EpochFileOptions, openEpochFile } from './epoch-file.ts';

function act(id: string): RevocationAct {
  return {
    kind: 'lift',
    id,
    at: 1,
    by: 'ann',
    reason: 'unspecified',
    note: 'ä\n',
    spiffeId: 'spiffe://cluster.local/x',
  };
}

describe('the revocation file', () => {
  let directory: string;
  let dropped: number[];
  const open: EpochFile[] = [];

  const at = (name: string): string => join(directory, name);

  async function reopen(change: Partial<EpochFileOptions> = {}): Promise<EpochFile> {
    const file = await openEpochFile({
      path: at('revocations.log'),
      keyPath: at('keys/revocations.key'),
      headPath: at('keys/revocations.head'),
      keyEncryptionKey: localKeyEncryptionKey(new Uint8Array(32).fill(7)),
      trustDomain: 'cluster.local',
      earlier: () => Promise.resolve([]),
      isExpected: () => Promise.resolve(false),
      dropped: (bytes) => void dropped.push(bytes),
      ...change,
    });
    open.push(file);
    return file;
  }

  const ids = ({ acts }: EpochFile): string[] => acts.map(({ id }) => id);

  async function holding(...kept: readonly string[]): Promise<void> {
    const file = await reopen();
    for (const id of kept) await file.append(act(id));
    await file.close();
    open.length = 0;
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-epoch-'));
    dropped = [];
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((file) => file.close()));
    await rm(directory, { recursive: true });
  });

  it('holds what was appended, in order, for its owner only', async () => {
    await holding('a', 'b');
    const file = await reopen();
    assert.deepEqual(ids(file), ['a', 'b']);
    assert.deepEqual(file.acts[0], act('a'));
    assert.equal((await stat(at('revocations.log'))).mode & 0o777, 0o600);
    await Promise.all(['c', 'd', 'e'].map((id) => file.append(act(id))));
    await file.close();
    open.length = 0;
    assert.deepEqual(ids(await reopen()), ['a', 'b', 'c', 'd', 'e']);
  });

  it('begins with what was revoked before there was one', async () => {
    const earlier = (): Promise<RevocationAct[]> => Promise.resolve([act('old')]);
    await (await reopen({ earlier })).close();
    open.length = 0;
    assert.deepEqual(ids(await reopen({ earlier })), ['old']);
  });

  const harms: readonly [harm: string, refusal: RegExp, does: () => Promise<void>][] = [
    ['that is missing', /revocations\.log is missing.*Put its newest copy back/, () => rm(at('revocations.log'))],
    ['that is empty', /damaged at its beginning/, () => writeFile(at('revocations.log'), '')],
    [
      'that was cut at the end of a line',
      /was cut: it ends before line 3/,
      async () => {
        const lines = (await readFile(at('revocations.log'), 'utf8')).split('\n');
        await writeFile(at('revocations.log'), `${lines.slice(0, 2).join('\n')}\n`);
      },
    ],
    [
      'that was cut inside a line',
      /is damaged in line 3/,
      async () => truncate(at('revocations.log'), (await stat(at('revocations.log'))).size - 5),
    ],
    [
      'in which one letter is another',
      /is damaged in line 2/,
      async () => {
        const text = await readFile(at('revocations.log'), 'utf8');
        await writeFile(at('revocations.log'), text.replace('"by":"ann"', '"by":"anm"'));
      },
    ],
    [
      'from which a line in the middle is gone',
      /is damaged in line 2/,
      async () => {
        const lines = (await readFile(at('revocations.log'), 'utf8')).split('\n');
        await writeFile(at('revocations.log'), lines.toSpliced(1, 1).join('\n'));
      },
    ],
    ['whose length is not known', /revocations\.head is missing/, () => rm(at('keys/revocations.head'))],
    [
      'whose length was edited',
      /revocations\.head is damaged/,
      () => writeFile(at('keys/revocations.head'), '1 aa bb\n'),
    ],
  ];
  for (const [harm, refusal, does] of harms) {
    it(`${harm} is refused, and the refusal says what to do`, async () => {
      await holding('a', 'b');
      await does();
      await assert.rejects(reopen(), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'DATA_DIRECTORY_UNREADABLE');
        assert.match(error.message, refusal);
        return true;
      });
    });
  }

  it('an old copy of it is refused, an old copy of its length is not', async () => {
    await holding('a');
    await cp(at('revocations.log'), at('old.log'));
    await cp(at('keys/revocations.head'), at('old.head'));
    await holding('b');
    await cp(at('old.head'), at('keys/revocations.head'));
    assert.deepEqual(ids(await reopen()), ['a', 'b']);
    await (await reopen()).append(act('c'));
    await cp(at('old.log'), at('revocations.log'));
    await assert.rejects(reopen(), { code: 'DATA_DIRECTORY_UNREADABLE' });
  });

  it('of which nothing is left is no beginning, where anything else remembers it, until an operator says so', async () => {
    await holding('a');
    for (const name of ['revocations.log', 'keys/revocations.key', 'keys/revocations.head']) await rm(at(name));
    const isExpected = (): Promise<boolean> => Promise.resolve(true);
    await assert.rejects(reopen({ isExpected }), { message: /is missing: .* --begin-revocation-file/ });
    await assert.rejects(stat(at('revocations.log')), { code: 'ENOENT' });
    const begun = await reopen({ isExpected, isLost: true, earlier: () => Promise.resolve([act('old')]) });
    assert.deepEqual(ids(begun), ['old']);
  });

  it('loses what is forgotten, and remembers since when', async () => {
    await holding('a', 'b', 'c', 'd');
    const before = (await stat(at('revocations.log'))).size;
    const file = await reopen();
    await file.forget([act('a'), act('c')], 77);
    await file.append(act('e'));
    await file.close();
    open.length = 0;
    assert.ok((await stat(at('revocations.log'))).size < before + 300);
    const again = await reopen();
    assert.deepEqual([ids(again), again.forgottenBefore], [['b', 'd', 'e'], 77]);
    await again.forget([act('b')], 88);
    assert.deepEqual([ids(await reopen()), again.forgottenBefore], [['d', 'e'], 88]);
  });

  it('is whole when its writer died between the shorter file and its length, and takes no other for that', async () => {
    await holding('a', 'b', 'c');
    await cp(at('revocations.log'), at('long.log'));
    await cp(at('keys/revocations.head'), at('long.head'));
    const file = await reopen();
    await file.forget([act('a')], 77);
    await cp(at('keys/revocations.head'), at('short.head'));
    const sound = await readFile(at('revocations.log'), 'utf8');
    await cp(at('long.head'), at('keys/revocations.head'));
    await writeFile(at('revocations.log'), sound.split('\n').toSpliced(-2, 1).join('\n'));
    await assert.rejects(reopen(), { code: 'DATA_DIRECTORY_UNREADABLE' });
    await writeFile(at('revocations.log'), sound);
    assert.deepEqual(ids(await reopen()), ['b', 'c']);
    assert.equal(await readFile(at('keys/revocations.head'), 'utf8'), await readFile(at('short.head'), 'utf8'));
    await cp(at('long.log'), at('revocations.log'));
    await assert.rejects(reopen(), /is another one than was written last/);
  });

  it('loses the end of a line that its writer died over, and nothing else', async () => {
    await holding('a');
    await appendFile(at('revocations.log'), 'abcdef {"half');
    const file = await reopen();
    assert.deepEqual([ids(file), dropped], [['a'], [13]]);
    await file.append(act('b'));
    assert.deepEqual(ids(await reopen()), ['a', 'b']);
  });

  it('of another trust domain or under another key is refused', async () => {
    await holding('a');
    await assert.rejects(reopen({ trustDomain: 'other.example' }), { code: 'KEY_UNREADABLE' });
    const keyEncryptionKey = localKeyEncryptionKey(new Uint8Array(32).fill(8));
    await assert.rejects(reopen({ keyEncryptionKey }), { code: 'KEY_UNREADABLE' });
  });
});
