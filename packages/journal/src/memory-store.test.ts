import { journalStoreConformance } from './conformance.ts';
import { createMemoryJournalStore } from './memory-store.ts';

journalStoreConformance('the memory journal store', async () => {
  const store = createMemoryJournalStore();
  return { store, reopen: async () => store, close: async () => {} };
});
