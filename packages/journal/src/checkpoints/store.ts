/** A checkpoint as it was signed. */
export interface SignedCheckpoint {
  readonly size: number;
  /** Hex Merkle root. */
  readonly root: string;
  /** When it was signed, Unix milliseconds; not part of what is signed. */
  readonly at: number;
  /** Signed note of a checkpoint. */
  readonly note: string;
}

/** Where checkpoints are kept. Independent of any engine; throws `RampartError` STORAGE_FAILED. */
export interface CheckpointStore {
  /** Durable before it resolves. One whose size is not greater than that of the latest is an error. */
  add(checkpoint: SignedCheckpoint): Promise<void>;
  /** That of the greatest size. */
  latest(): Promise<SignedCheckpoint | undefined>;
  /** Of each, oldest first, how many entries there were when. */
  moments(): Promise<readonly Pick<SignedCheckpoint, 'size' | 'at'>[]>;
  /** Of those that were signed before a time (Unix milliseconds) the last of each span of `everyMs` stays; that of the greatest size always. */
  thin(older: { readonly than: number; readonly everyMs: number }): Promise<void>;
}

/** An anchor that is not what was written to it: until then nobody would have noticed an older store. */
export interface AnchorLoss {
  readonly place: string;
  /** Entries under the note that was there; undefined where none was. */
  readonly kept: number | undefined;
  /** Entries that were signed. */
  readonly signed: number;
}

/**
 * Where the last checkpoint is kept a second time, apart from the store, so that a store that was put back to an earlier state
 * is noticed.
 */
export interface CheckpointAnchor {
  /** Where it is, for messages: a path. */
  readonly place: string;
  /** The signed note that was kept last. */
  read(): Promise<string | undefined>;
  /** Durable before it resolves. */
  write(note: string): Promise<void>;
}
