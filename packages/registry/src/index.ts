export type { Instance, RegistryStore } from './store.ts';
export { createMemoryRegistryStore } from './memory-store.ts';
