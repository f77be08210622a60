import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Companion, JournalBatch, JournalEntry, JournalQuery, JournalStore, MerkleNode } from './store.ts';

export { checkpointStoreConformance } from './checkpoints/conformance.ts';

/** A store, and the means to see it as the next process would. */
export interface JournalStoreUnderTest {
  readonly store: JournalStore;
  /** Closes the store and opens what it left behind; a store without durability returns itself. */
  reopen(): Promise<JournalStore>;
  close(): Promise<void>;
}

type Rule = readonly [rule: string, holds: (test: JournalStoreUnderTest) => Promise<void>];

/** The rules of `JournalStore`, held by every implementation. */
export function journalStoreConformance(name: string, create: () => Promise<JournalStoreUnderTest>): void {
  describe(`${name} keeps the rules of a journal store`, () => {
    for (const [rule, holds] of [...RULES, ...READS.map(readRule)]) {
      it(rule, async () => {
        const test = await create();
        try {
          await holds(test);
        } finally {
          await test.close();
        }
      });
    }
  });
}

const RULES: readonly Rule[] = [
  [
    'an empty journal has an empty tree',
    async ({ store }) => {
      assert.deepEqual(await store.tree(), { size: 0, peaks: [] });
      assert.deepEqual(await read(store), []);
    },
  ],
  [
    'what append acknowledged is there after reopening',
    async (test) => {
      await test.store.append(batch(1, 3));
      await test.store.append(batch(4, 1));
      const store = await test.reopen();
      assert.deepEqual(await store.tree(), batch(4, 1).tree);
      assert.deepEqual(await read(store), entries(1, 4));
    },
  ],
  [
    'batches take effect in call order without waiting',
    async ({ store }) => {
      await Promise.all([store.append(batch(1, 2)), store.append(batch(3, 1)), store.append(batch(4, 2))]);
      assert.deepEqual(sequences(await read(store)), [1, 2, 3, 4, 5]);
    },
  ],
  [
    'a batch that leaves a gap is refused whole',
    async ({ store }) => {
      await store.append(batch(1, 1));
      await assert.rejects(store.append(batch(3, 2)), { code: 'STORAGE_FAILED' });
      assert.deepEqual(await store.tree(), batch(1, 1).tree);
      assert.deepEqual(sequences(await read(store)), [1]);
    },
  ],
  [
    'a batch that repeats a sequence is refused whole, and the batches queued behind it too',
    async ({ store }) => {
      await store.append(batch(1, 2));
      const outcomes = await Promise.allSettled([store.append(batch(2, 2)), store.append(batch(4, 1))]);
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status),
        ['rejected', 'rejected'],
      );
      assert.deepEqual(await read(store), entries(1, 2));
    },
  ],
  [
    'an append after a refused one goes on',
    async ({ store }) => {
      await assert.rejects(store.append(batch(2, 1)));
      await store.append(batch(1, 1));
      assert.deepEqual(sequences(await read(store)), [1]);
    },
  ],
  [
    'text of any script is kept byte for byte',
    async (test) => {
      const strange: JournalEntry = { ...entry(1), body: '{"a":"\\u0000 ☃ 𝄞 \'--"}' };
      await test.store.append({ ...batch(1, 1), entries: [strange] });
      assert.deepEqual(await read(await test.reopen()), [strange]);
    },
  ],
  [
    'a row of leaves is that of the entries, up to the last one',
    async ({ store }) => {
      await store.append(batch(1, 6));
      assert.deepEqual(await store.hashes({ height: 0, first: 2, count: 3 }), [hash(3), hash(4), hash(5)]);
      assert.deepEqual(await store.hashes({ height: 0, first: 4, count: 16 }), [hash(5), hash(6)]);
    },
  ],
  [
    'a row of subtrees is that which batches brought, in order, also after reopening',
    async (test) => {
      const node = (height: number, position: number): MerkleNode => ({ height, position, hash: hash(position) });
      await test.store.append({ ...batch(1, 1), nodes: [node(4, 1), node(8, 0)] });
      await test.store.append({ ...batch(2, 1), nodes: [node(4, 0), node(4, 2)] });
      const store = await test.reopen();
      assert.deepEqual(await store.hashes({ height: 4, first: 0, count: 16 }), [hash(0), hash(1), hash(2)]);
      assert.deepEqual(await store.hashes({ height: 4, first: 1, count: 1 }), [hash(1)]);
      assert.deepEqual(await store.hashes({ height: 8, first: 0, count: 16 }), [hash(0)]);
      assert.deepEqual(await store.hashes({ height: 12, first: 0, count: 16 }), []);
    },
  ],
  [
    'subtrees of a refused batch are not stored',
    async ({ store }) => {
      await assert.rejects(store.append({ ...batch(2, 1), nodes: [{ height: 4, position: 0, hash: hash(1) }] }));
      assert.deepEqual(await store.hashes({ height: 4, first: 0, count: 1 }), []);
    },
  ],
  [
    'ledger entries about an identity are found however far apart they are',
    async ({ store }) => {
      const own = new Set([1, 1500, 3000]);
      const entries = batch(1, 3000).entries.map((each) => ({
        ...each,
        stream: 'ledger' as const,
        body: JSON.stringify({ spiffe_id: own.has(each.sequence) ? 'spiffe://a/b' : 'spiffe://a/c' }),
      }));
      await store.append({ ...batch(1, 3000), entries });
      const found = async (query: Partial<JournalQuery>): Promise<number[]> =>
        sequences(await store.read({ spiffeId: 'spiffe://a/b', limit: 10, order: 'newest-first', ...query }));
      assert.deepEqual(await found({}), [3000, 1500, 1]);
      assert.deepEqual(await found({ limit: 1, before: 3000 }), [1500]);
      assert.deepEqual(await found({ order: 'oldest-first', kind: 'THIRD' }), [1500, 3000]);
    },
  ],
  [
    'companions of a batch are stored once and together',
    async ({ store }) => {
      const stored: (readonly unknown[])[] = [];
      const storeRows: Companion['store'] = async (rows) => void stored.push(rows);
      const companions = ['a', 'b'].map((row) => ({ row, store: storeRows }));
      await store.append({ ...batch(1, 2), companions });
      assert.deepEqual(stored, [['a', 'b']]);
    },
  ],
  [
    'bodies of audit entries go in the step of a batch that is not refused, for good, and nothing else of them; those of the ledger stay',
    async (test) => {
      await test.store.append(batch(1, 4));
      const companions = [test.store.expiry([1, 2, 3])];
      await assert.rejects(test.store.append({ ...batch(6, 1), companions }));
      assert.deepEqual(await read(test.store), entries(1, 4));
      await test.store.append({ ...batch(5, 1), companions });
      const store = await test.reopen();
      assert.deepEqual(sequences(await read(store)), [2, 4, 5]);
      const all = await store.read({ withExpired: true, limit: 10, order: 'oldest-first' });
      assert.deepEqual(all, [{ ...entry(1), body: '' }, entry(2), { ...entry(3), body: '' }, entry(4), entry(5)]);
      assert.deepEqual(
        sequences(await store.read({ stream: 'audit', kind: 'THIRD', limit: 10, order: 'newest-first' })),
        [],
      );
      assert.deepEqual(await store.hashes({ height: 0, first: 0, count: 2 }), [hash(1), hash(2)]);
    },
  ],
  [
    'ledger entries are found by what they are about, others are not',
    async ({ store }) => {
      const about = (sequence: number, stream: JournalEntry['stream'], body: object): JournalEntry => ({
        ...entry(sequence),
        stream,
        body: JSON.stringify(body),
      });
      const entries = [
        about(1, 'ledger', { serial: '0a', spiffe_id: 'spiffe://a/b' }),
        about(2, 'audit', { serial: '0a', spiffe_id: 'spiffe://a/b' }),
        about(3, 'ledger', { serial: '0b', spiffe_id: 'spiffe://a/b' }),
        about(4, 'ledger', { details: { serial: '0a' } }),
      ];
      await store.append({ ...batch(1, 4), entries });
      const found = async (query: Pick<JournalQuery, 'about' | 'spiffeId'>): Promise<number[]> =>
        sequences(await store.read({ ...query, limit: 10, order: 'oldest-first' }));
      assert.deepEqual(await found({ about: { field: 'serial', value: '0a' } }), [1]);
      assert.deepEqual(await found({ spiffeId: 'spiffe://a/b' }), [1, 3]);
      assert.deepEqual(await found({ spiffeId: 'spiffe://a/b', about: { field: 'serial', value: '0b' } }), [3]);
      assert.deepEqual(await found({ spiffeId: 'spiffe://a', about: { field: 'serial', value: '0b' } }), []);
      assert.deepEqual(await found({ about: { field: 'serial', value: "0a' or 1" } }), []);
    },
  ],
];

/** Even sequences are of the ledger; every third is of kind "THIRD". */
const READS: readonly { rule: string; query: Partial<JournalQuery>; expected: readonly number[] }[] = [
  { rule: 'everything, oldest first', query: {}, expected: [1, 2, 3, 4, 5, 6] },
  { rule: 'everything, newest first', query: { order: 'newest-first' }, expected: [6, 5, 4, 3, 2, 1] },
  { rule: 'one stream', query: { stream: 'ledger' }, expected: [2, 4, 6] },
  { rule: 'one kind', query: { kind: 'THIRD' }, expected: [3, 6] },
  { rule: 'one kind of one stream', query: { kind: 'THIRD', stream: 'audit' }, expected: [3] },
  { rule: 'an unknown kind is no error', query: { kind: 'NEVER' }, expected: [] },
  { rule: 'after a sequence, exclusive', query: { after: 4 }, expected: [5, 6] },
  { rule: 'before a sequence, exclusive', query: { before: 3 }, expected: [1, 2] },
  { rule: 'the first of a page', query: { limit: 2, after: 2 }, expected: [3, 4] },
  { rule: 'the newest of one stream', query: { limit: 2, stream: 'audit', order: 'newest-first' }, expected: [5, 3] },
];

function readRule({ rule, query, expected }: (typeof READS)[number]): Rule {
  return [
    `read: ${rule}`,
    async ({ store }) => {
      await store.append(batch(1, 6));
      assert.deepEqual(sequences(await store.read({ limit: 100, order: 'oldest-first', ...query })), expected);
    },
  ];
}

function entry(sequence: number): JournalEntry {
  return {
    sequence,
    at: 1_700_000_000_000 + sequence,
    stream: sequence % 2 === 0 ? 'ledger' : 'audit',
    kind: sequence % 3 === 0 ? 'THIRD' : 'OTHER',
    body: `{"sequence":${sequence}}`,
    leafHash: hash(sequence),
  };
}

function entries(first: number, count: number): JournalEntry[] {
  return Array.from({ length: count }, (_, index) => entry(first + index));
}

/** A store keeps the peaks, it does not check them. */
function batch(first: number, count: number): JournalBatch {
  const size = first + count - 1;
  return { entries: entries(first, count), tree: { size, peaks: [hash(size), hash(size + 1)] }, nodes: [] };
}

function hash(number: number): string {
  return number.toString(16).padStart(64, '0');
}

function read(store: JournalStore): Promise<readonly JournalEntry[]> {
  return store.read({ limit: 1000, order: 'oldest-first' });
}

function sequences(read: readonly JournalEntry[]): number[] {
  return read.map(({ sequence }) => sequence);
}
