/** A resource as it is kept. */
export interface StoredResourceRecord {
  /** "Kind/namespace/name". */
  readonly key: string;
  /** Canonical JSON. */
  readonly json: string;
  /** Unix milliseconds of its first application; survives changes. */
  readonly createdAt: number;
  /** Revision that brought its present form. */
  readonly revision: number;
}

/** Where resources are kept. A change resolves once it survives the loss of power; it is made whole or not at all. */
export interface ResourceStore {
  all(): Promise<readonly StoredResourceRecord[]>;
  change(change: { readonly put: readonly StoredResourceRecord[]; readonly remove: readonly string[] }): Promise<void>;
}
