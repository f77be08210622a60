import type { RegistryStore, StoredInstance } from './store.ts';

/** A registry store that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryRegistryStore(): RegistryStore {
  const instances = new Map<string, StoredInstance>();
  let epoch = 0;
  return {
    instances: async () => [...instances.values()],
    save: async (stored) => void instances.set(stored.instance.instanceId, stored),
    remove: async (instanceId) => void instances.delete(instanceId),
    nextEpoch: async () => ++epoch,
  };
}
