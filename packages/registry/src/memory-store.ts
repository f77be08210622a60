import type { Instance, RegistryStore } from './store.ts';

/** A registry store that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryRegistryStore(): RegistryStore {
  const instances = new Map<string, Instance>();
  let epoch = 0;
  return {
    instances: async () => [...instances.values()],
    save: async (instance) => void instances.set(instance.instanceId, instance),
    remove: async (instanceId) => void instances.delete(instanceId),
    nextEpoch: async () => ++epoch,
  };
}
