export type { JournalBatch, JournalEntry, JournalQuery, JournalStore, JournalStream, MerkleState } from './store.ts';
export { createMemoryJournalStore } from './memory-store.ts';
