import { RampartError } from '@rampart/core';
import { storeCompanions } from './companions.ts';
import type {
  JournalBatch,
  JournalEntry,
  JournalQuery,
  JournalStore,
  MerkleNode,
  MerkleRow,
  MerkleState,
} from './store.ts';

/** A journal store that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryJournalStore(): JournalStore {
  const stored: JournalEntry[] = [];
  const nodes = new Map<string, string>();
  let tree: MerkleState = { size: 0, peaks: [] };
  return {
    append: async (batch) => {
      refuseGap(batch, stored.length);
      stored.push(...batch.entries);
      for (const node of batch.nodes) nodes.set(nodeKey(node), node.hash);
      tree = batch.tree;
      await storeCompanions(batch.companions);
    },
    tree: async () => tree,
    read: async (query) => select(stored, query),
    expiry: (sequences) => ({
      row: sequences,
      store: async (rows) => {
        for (const sequence of (rows as (readonly number[])[]).flat()) blank(stored, sequence);
      },
    }),
    hashes: async (row) => (row.height === 0 ? leaves(stored, row) : kept(nodes, row)),
  };
}

function blank(entries: JournalEntry[], sequence: number): void {
  const entry = entries[sequence - 1];
  if (entry?.stream === 'audit') entries[sequence - 1] = { ...entry, body: '' };
}

function leaves(entries: readonly JournalEntry[], { first, count }: MerkleRow): string[] {
  return entries.slice(first, first + count).map(({ leafHash }) => leafHash);
}

function kept(nodes: ReadonlyMap<string, string>, { height, first, count }: MerkleRow): string[] {
  return Array.from({ length: count }, (_, index) => nodes.get(nodeKey({ height, position: first + index }))).filter(
    (hash) => hash !== undefined,
  );
}

function nodeKey({ height, position }: Pick<MerkleNode, 'height' | 'position'>): string {
  return `${height}/${position}`;
}

function refuseGap(batch: JournalBatch, size: number): void {
  const gap = batch.entries.findIndex((entry, index) => entry.sequence !== size + index + 1);
  if (batch.entries.length === 0 || gap !== -1 || batch.tree.size !== size + batch.entries.length) {
    throw new RampartError('STORAGE_FAILED', `the journal holds ${size} entries; the batch does not follow them`);
  }
}

function select(entries: readonly JournalEntry[], query: JournalQuery): readonly JournalEntry[] {
  const ordered = query.order === 'oldest-first' ? entries : entries.toReversed();
  return ordered.filter((entry) => matches(entry, query)).slice(0, query.limit);
}

function matches(entry: JournalEntry, query: JournalQuery): boolean {
  return (
    (query.withExpired === true || entry.body !== '') &&
    (query.stream === undefined || entry.stream === query.stream) &&
    (query.kind === undefined || entry.kind === query.kind) &&
    (query.spiffeId === undefined || isAbout(entry, { field: 'spiffe_id', value: query.spiffeId })) &&
    (query.about === undefined || isAbout(entry, query.about)) &&
    (query.after === undefined || entry.sequence > query.after) &&
    (query.before === undefined || entry.sequence < query.before)
  );
}

function isAbout(
  { stream, body }: JournalEntry,
  { field, value }: { readonly field: string; readonly value: string },
): boolean {
  if (stream !== 'ledger') return false;
  const fields = JSON.parse(body) as Readonly<Record<string, unknown>>;
  return fields[field] === value;
}
