/** The bundle of a federated trust domain as it is kept. */
export interface FederatedBundleRecord {
  readonly trustDomain: string;
  /** SPIFFE bundle document, JSON, as it came. */
  readonly document: string;
  /** Hex SHA-256 of the bundle that the relationship began with; "" for none. */
  readonly bootstrapHash: string;
  /** Unix milliseconds; 0 while it is the bundle that the relationship began with. */
  readonly fetchedAt: number;
}

/**
 * Where the last good bundle of each federated trust domain is remembered. A method that changes something resolves when the
 * change survives the loss of power; a failing engine throws `RampartError` STORAGE_FAILED, and the change is then not made.
 */
export interface FederationStore {
  federatedBundles(): Promise<readonly FederatedBundleRecord[]>;
  /** Replaces that of the same trust domain. */
  putFederatedBundle(bundle: FederatedBundleRecord): Promise<void>;
  removeFederatedBundle(trustDomain: string): Promise<void>;
}
