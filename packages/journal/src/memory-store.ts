import { RampartError } from '@rampart/core';
import type { JournalBatch, JournalEntry, JournalQuery, JournalStore, MerkleState } from './store.ts';

/** A journal store that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryJournalStore(): JournalStore {
  const stored: JournalEntry[] = [];
  let tree: MerkleState = { size: 0, peaks: [] };
  return {
    append: async (batch) => {
      refuseGap(batch, stored.length);
      stored.push(...batch.entries);
      tree = batch.tree;
    },
    tree: async () => tree,
    read: async (query) => select(stored, query),
  };
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
    (query.stream === undefined || entry.stream === query.stream) &&
    (query.kind === undefined || entry.kind === query.kind) &&
    (query.after === undefined || entry.sequence > query.after) &&
    (query.before === undefined || entry.sequence < query.before)
  );
}
