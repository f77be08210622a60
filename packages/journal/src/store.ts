/** Which kind of record an entry is: what happened (`audit`), or which identity was issued (`ledger`). */
export type JournalStream = 'audit' | 'ledger';

/** One record of the journal. Entries are never changed once they are stored, but for the body of one that expires. */
export interface JournalEntry {
  /** 1, 2, 3 … over both streams, without a gap; position in the Merkle tree plus one. */
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly stream: JournalStream;
  /** Event type ("REGISTRATION", "CERTIFICATE_ISSUED"…), to select by. */
  readonly kind: string;
  /** Canonical JSON (sorted keys, no white space); the bytes that `leafHash` covers. "" once the entry has expired. */
  readonly body: string;
  /** Hex SHA-256 of 0x00 followed by the UTF-8 bytes of `body` (RFC 9162 §2.1.1). */
  readonly leafHash: string;
}

/** The right edge of the Merkle tree: what is needed to go on appending without the older leaves. */
export interface MerkleState {
  /** Number of leaves. */
  readonly size: number;
  /** Hex hashes of the complete subtrees from left to right, one for each bit that is set in `size`. */
  readonly peaks: readonly string[];
}

/** Root of a complete subtree. */
export interface MerkleNode {
  /** Levels above the leaves. */
  readonly height: number;
  /** 0, 1, 2 … among the subtrees of this height, from left to right. */
  readonly position: number;
  /** Hex. */
  readonly hash: string;
}

/** A row of hashes of one height: those of leaves, or of the subtrees that batches brought. */
export interface MerkleRow {
  readonly height: number;
  /** Position of the first one. */
  readonly first: number;
  readonly count: number;
}

/**
 * A row of another domain's store that becomes durable in the same step as an entry, or not at all. That store shares the
 * engine of the journal's store and makes it; for everybody else it is opaque.
 */
export interface Companion {
  readonly row: unknown;
  /**
   * Stores rows; called once for all companions of a batch that have the same function. `within` is what stores of this engine
   * hand each other (the statements of a write, which take effect with the batch or not at all), undefined where there is none.
   */
  readonly store: (rows: readonly unknown[], within: unknown) => Promise<void>;
}

/** Entries that become durable together, and the tree as it is after them. */
export interface JournalBatch {
  readonly entries: readonly JournalEntry[];
  /** Stored with them; none where it is absent. */
  readonly companions?: readonly Companion[];
  readonly tree: MerkleState;
  /** Subtrees that these entries completed and whose roots are kept. */
  readonly nodes: readonly MerkleNode[];
}

/** Which entries to read. */
export interface JournalQuery {
  readonly stream?: JournalStream;
  readonly kind?: string;
  /** Only ledger entries about this identity: by `spiffe_id` of their body. The one quick way to find entries by what they say. */
  readonly spiffeId?: string;
  /** Only ledger entries whose body has this text in this field; without `spiffeId` every entry is looked at. */
  readonly about?: { readonly field: 'serial' | 'old_serial'; readonly value: string };
  /** Only entries with a sequence greater than this. */
  readonly after?: number;
  /** Only entries with a sequence less than this. */
  readonly before?: number;
  /** Those that have expired, too: of them all is left but the body. */
  readonly withExpired?: true;
  readonly limit: number;
  readonly order: 'oldest-first' | 'newest-first';
}

/**
 * Where the journal is kept. Independent of any engine.
 *
 * Durability: `append` resolves only when the batch survives the loss of power.
 * Atomicity: a batch is stored whole, with its tree state, or not at all.
 * Order: calls may be made before earlier ones have resolved; they take effect in call order. A batch whose first sequence
 * does not follow the last stored one is refused (`RampartError` STORAGE_FAILED), so that after a failed batch none of the
 * batches that were queued behind it can be stored.
 */
export interface JournalStore {
  /** Stores a non-empty batch; throws `RampartError` STORAGE_FAILED when it cannot, and then nothing of it is stored. */
  append(batch: JournalBatch): Promise<void>;
  /** The tree state that the last stored batch brought; size 0 and no peaks when nothing is stored. */
  tree(): Promise<MerkleState>;
  read(query: JournalQuery): Promise<readonly JournalEntry[]>;
  /**
   * Takes the bodies of audit entries away in the step in which another entry becomes durable. Everything else of them stays;
   * entries of the ledger keep their bodies.
   */
  expiry(sequences: readonly number[]): Companion;
  /** Hex hashes of a row from left to right: of leaves at height 0, of kept subtrees above. Those that are not stored are left out. */
  hashes(row: MerkleRow): Promise<readonly string[]>;
}
