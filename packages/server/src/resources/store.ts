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

/** What became of a resource. */
export interface ChangedResource {
  /** "Kind/namespace/name". */
  readonly key: string;
  readonly outcome: 'created' | 'configured' | 'deleted';
}

/** A revision that changed resources: who, when and what. */
export interface RevisionEntry {
  readonly revision: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** "admin:bootstrap". */
  readonly actor: string;
  readonly action: 'apply' | 'delete' | 'rollback';
  /** Revision that was brought back; 0 unless the action is a rollback. */
  readonly restored: number;
  readonly changes: readonly ChangedResource[];
}

export interface StoredChange {
  readonly put: readonly StoredResourceRecord[];
  /** Keys. */
  readonly remove: readonly string[];
  readonly entry: RevisionEntry;
}

/**
 * Where resources are kept, with what they were before. A change and its place in history resolve together once they survive
 * the loss of power; they are made whole or not at all.
 */
export interface ResourceStore {
  all(): Promise<readonly StoredResourceRecord[]>;
  change(change: StoredChange): Promise<void>;
  /** The newest changes first. */
  revisions(limit: number): Promise<readonly RevisionEntry[]>;
  /** The oldest revision whose set of resources is still known. */
  oldest(): Promise<number>;
  /** Canonical JSON of every resource that there was at a revision, in the order of their keys; 'compacted' before the oldest. */
  at(revision: number): Promise<readonly { readonly key: string; readonly json: string }[] | 'compacted'>;
}
