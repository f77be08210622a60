import type { FederatedBundleRecord, FederationStore } from './store.ts';

/** A store of federated bundles that keeps everything in memory: nothing in it outlives the process. */
export function createMemoryFederationStore(): FederationStore {
  const bundles = new Map<string, FederatedBundleRecord>();
  return {
    federatedBundles: async () => [...bundles.values()],
    putFederatedBundle: async (bundle) => void bundles.set(bundle.trustDomain, bundle),
    removeFederatedBundle: async (trustDomain) => void bundles.delete(trustDomain),
  };
}
