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
}
