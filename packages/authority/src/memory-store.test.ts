import { authorityStoreConformance } from './conformance.ts';
import { createMemoryAuthorityStore } from './memory-store.ts';

authorityStoreConformance('the memory authority store', async () => {
  const store = createMemoryAuthorityStore();
  return {
    store,
    reopen: async () => store,
    keep: (companion) => companion.store([companion.row], undefined),
    close: async () => {},
  };
});
