import { registryStoreConformance } from './conformance.ts';
import { createMemoryRegistryStore } from './memory-store.ts';

registryStoreConformance('the memory registry store', async () => {
  const store = createMemoryRegistryStore();
  return { store, reopen: async () => store, close: async () => {} };
});
