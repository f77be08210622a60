import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { Journal } from '../journal.ts';
import { createMemoryJournalStore } from '../memory-store.ts';
import { leafHash, MerkleTree } from '../merkle-tree.ts';
import type { JournalStore, MerkleNode } from '../store.ts';
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { Checkpoints, type CheckpointsOptions } from './checkpoints.ts';
import { checkpointStoreConformance } from './conformance.ts';
import { createMemoryCheckpointStore } from './memory-store.ts';
import type { NoteSigner } from './signed-note.ts';
import type { AnchorLoss, CheckpointAnchor, CheckpointStore } from './store.ts';

const ORIGIN = 'cluster.local/journal';
const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';

checkpointStoreConformance('the checkpoint store in memory', async () => {
  const store = createMemoryCheckpointStore();
  return { store, reopen: async () => store, close: async () => {} };
});

describe('the text of a checkpoint', () => {
  it('is that of the example of c2sp.org/tlog-checkpoint', () => {
    const parsed = parseCheckpoint(`example.com/behind-the-sofa\n20852163\n${ROOT}\n`);
    const root = Buffer.from(ROOT, 'base64').toString('hex');
    assert.deepEqual(parsed, { ok: true, value: { origin: 'example.com/behind-the-sofa', size: 20_852_163, root } });
  });

  it('may go on with lines for others', () => assert.ok(parseCheckpoint(`log\n1\n${ROOT}\nextension\n`).ok));

  for (const [rule, text] of [
    ['no origin', `\n1\n${ROOT}\n`],
    ['a size with a leading zero', `log\n01\n${ROOT}\n`],
    ['a size with a sign', `log\n+1\n${ROOT}\n`],
    ['a size in another notation', `log\n1e3\n${ROOT}\n`],
    ['a size beyond what can be counted', `log\n9007199254740993\n${ROOT}\n`],
    ['a root of another length', 'log\n1\nAAAA\n'],
    ['a root that is no base64', `log\n1\n${'*'.repeat(44)}\n`],
    ['no end of its last line', `log\n1\n${ROOT}`],
    ['an empty line', `log\n1\n${ROOT}\n\n`],
  ] as const) {
    it(`has not ${rule}`, () => assert.equal(parseCheckpoint(text).ok, false));
  }
});

describe('checkpoints', () => {
  it('are of all that is durable, signed by the key under the name of the log', async () => {
    const { checkpoints, append, journal } = await opened();
    await append(20);
    const { note, at } = await checkpoints.sign();
    assert.deepEqual(openCheckpoint(note, checkpoints.key), { ok: true, value: { origin: ORIGIN, ...journal.head } });
    assert.equal(at, 1000);
    assert.match(checkpoints.key.text, /^cluster\.local\/journal\+[0-9a-f]{8}\+/);
  });

  it('are signed once for each size, and go on after reopening', async () => {
    const { checkpoints, append, reopen } = await opened();
    await append(3);
    const first = await checkpoints.sign();
    assert.equal(await checkpoints.sign(), first);
    await append(40);
    const [one, two] = await Promise.all([checkpoints.sign(), checkpoints.sign()]);
    assert.equal(one, two);
    const again = await reopen();
    assert.deepEqual(again.latest, one);
    assert.equal((await again.sign()).size, 43);
  });

  it('of a clock that went back are as good', async () => {
    const { checkpoints, append, clock } = await opened();
    await append(1);
    await checkpoints.sign();
    clock.time = -86_400_000;
    await append(1);
    assert.equal((await checkpoints.sign()).size, 2);
  });

  it('are not of another log or by another key', async () => {
    const { checkpoints, append } = await opened();
    const other = await opened();
    await append(1);
    const { note } = await checkpoints.sign();
    assert.equal(openCheckpoint(note, other.checkpoints.key).ok, false);
    assert.equal(openCheckpoint(note.replace('\n1\n', '\n2\n'), checkpoints.key).ok, false);
  });
});

describe('what is kept apart from the store', () => {
  const anchored = async (): Promise<Anchored> => {
    const all = await opened();
    const kept: { note: string | undefined } = { note: undefined };
    const losses: AnchorLoss[] = [];
    const open = (): Promise<Checkpoints> =>
      all.reopen({
        anchor: { place: 'kept', read: async () => kept.note, write: async (note) => void (kept.note = note) },
        lost: async (loss) => void losses.push(loss),
      });
    return { ...all, kept, losses, open };
  };

  it('is not missed where nothing was signed before', async () => {
    const { append, open, kept, losses } = await anchored();
    await append(5);
    const { note } = await (await open()).sign();
    assert.deepEqual([kept.note, losses], [note, []]);
  });

  it('is missed where it was taken away or put back, at a start and later, and written anew', async () => {
    const { append, open, kept, losses } = await anchored();
    await append(5);
    const first = await (await open()).sign();
    await append(5);
    const checkpoints = await open();
    const second = await checkpoints.sign();
    for (const [note, size] of [
      [undefined, undefined],
      [first.note, 5],
    ] as const) {
      for (const start of [async () => checkpoints, open]) {
        kept.note = note;
        assert.deepEqual(await (await start()).sign(), second);
        assert.equal(kept.note, second.note);
        assert.deepEqual(losses.splice(0), [{ place: 'kept', kept: size, signed: 10 }]);
      }
    }
    await checkpoints.sign();
    assert.deepEqual(losses, []);
  });

  it('is ahead of a store that failed, and nothing is missed then', async () => {
    const { append, store, kept, losses, reopen } = await anchored();
    await append(5);
    const anchor = {
      place: 'kept',
      read: async () => kept.note,
      write: async (note: string) => void (kept.note = note),
    };
    let isFull = true;
    const full: CheckpointStore = {
      ...store,
      add: (checkpoint) => (isFull ? Promise.reject(new Error('the disk is full')) : store.add(checkpoint)),
    };
    const checkpoints = await reopen({ anchor, store: full, lost: async (loss) => void losses.push(loss) });
    await assert.rejects(checkpoints.sign(), /the disk is full/);
    assert.notEqual(kept.note, undefined);
    isFull = false;
    assert.equal((await checkpoints.sign()).size, 5);
    assert.deepEqual(losses, []);
  });
});

interface Anchored extends Opened {
  readonly kept: { note: string | undefined };
  readonly losses: AnchorLoss[];
  open(): Promise<Checkpoints>;
}

describe('no checkpoint is signed', () => {
  it('when an entry under the last one was changed, whatever else was changed with it', async () => {
    for (const size of [1, 16, 17, 40]) {
      const { checkpoints, append, rewrite, reopen } = await opened();
      await append(size);
      await checkpoints.sign();
      await rewrite(Math.floor(size / 2), size + 5);
      await assert.rejects((await reopen()).sign(), { code: 'JOURNAL_INCONSISTENT', message: /do not begin with/ });
    }
  });

  it('when entries that were signed are gone', async () => {
    const { checkpoints, append, rewrite, reopen } = await opened();
    await append(20);
    await checkpoints.sign();
    await rewrite(19, 19);
    await assert.rejects((await reopen()).sign(), { code: 'JOURNAL_INCONSISTENT', message: /has 19 entries, and 20/ });
  });

  it('for a store that was put back, until what is kept apart from it is taken away', async () => {
    const kept: { note: string | undefined } = { note: undefined };
    const anchor: CheckpointAnchor = {
      place: 'journal.checkpoint',
      read: async () => kept.note,
      write: async (note) => void (kept.note = note),
    };
    const { append, rewrite, reopen } = await opened();
    await append(20);
    await (await reopen({ anchor })).sign();
    const old = { anchor, store: createMemoryCheckpointStore() };
    const gone = /has 12 entries, and 20 were signed before, says journal\.checkpoint; .* remove journal\.checkpoint/;
    await rewrite(12, 12);
    const before = await reopen(old);
    await assert.rejects(before.sign(), { code: 'JOURNAL_INCONSISTENT', message: gone });
    await rewrite(12, 30);
    await assert.rejects((await reopen(old)).sign(), {
      message: /30 entries do not begin with the 20 .* says journal/,
    });
    const signed = kept.note;
    kept.note = signed?.replace('20', '02');
    await assert.rejects((await reopen(old)).sign(), { message: /the checkpoint in journal\.checkpoint was changed/ });
    kept.note = undefined;
    const { note } = await (await reopen(old)).sign();
    assert.equal(kept.note, note);
    assert.notEqual(kept.note, signed);
  });

  it('when the last one was changed, or is of another key', async () => {
    const { checkpoints, append, store } = await opened();
    await append(2);
    const latest = await checkpoints.sign();
    const forged: CheckpointStore = {
      ...store,
      latest: async () => ({ ...latest, note: latest.note.replace('2', '1') }),
    };
    const { reopen } = await opened();
    await assert.rejects((await reopen({ store: forged })).sign(), { code: 'JOURNAL_INCONSISTENT' });
    await assert.rejects((await reopen({ store })).sign(), { message: /not signed by cluster\.local\/journal\+/ });
  });
});

interface Opened {
  readonly checkpoints: Checkpoints;
  readonly store: CheckpointStore;
  readonly journal: Journal;
  readonly clock: { time: number; now(): number; after(): { cancel(): void } };
  append(count: number): Promise<void>;
  /** Makes another journal of what was there: `changed` (from 0) with another body, `size` entries in all, every hash to match. */
  rewrite(changed: number, size: number): Promise<void>;
  reopen(change?: Partial<Pick<CheckpointsOptions, 'store' | 'anchor' | 'lost'>>): Promise<Checkpoints>;
}

async function opened(): Promise<Opened> {
  let journalStore: JournalStore = createMemoryJournalStore();
  const store = createMemoryCheckpointStore();
  const clock = {
    time: 1000,
    now(): number {
      return this.time;
    },
    after: () => ({ cancel: () => {} }),
  };
  const signer = ed25519();
  const journal = await Journal.open(journalStore, clock);
  const checkpoints = await Checkpoints.open({ journal, store, signer, origin: ORIGIN, clock });
  return {
    checkpoints,
    store,
    journal,
    clock,
    append: async (count) => {
      await Promise.all(Array.from({ length: count }, () => journal.append('ledger', { event_type: 'K' })));
    },
    rewrite: async (changed, size) => {
      journalStore = await rewritten(journalStore, changed, size);
    },
    reopen: async (change = {}) =>
      Checkpoints.open({
        journal: await Journal.open(journalStore, clock),
        store,
        signer,
        origin: ORIGIN,
        clock,
        ...change,
      }),
  };
}

async function rewritten(store: JournalStore, changed: number, size: number): Promise<JournalStore> {
  const before = await store.read({ limit: size, order: 'oldest-first' });
  const tree = new MerkleTree();
  const nodes: MerkleNode[] = [];
  const entries = Array.from({ length: size }, (_, index) => {
    const old = before[index];
    const body = old === undefined || index === changed ? `changed ${index}` : old.body;
    const entry = { sequence: index + 1, at: 0, stream: 'ledger' as const, kind: 'K', body, leafHash: leafHash(body) };
    tree.add(entry.leafHash, (node) => nodes.push(node));
    return entry;
  });
  const other = createMemoryJournalStore();
  await other.append({ entries, tree: tree.state(), nodes });
  return other;
}

function ed25519(): NoteSigner {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKeyDer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { publicKeyDer, sign: async (data) => sign(null, data, privateKey) };
}
