/**
 * Keeps revisions growing over restarts without a write for each: numbers are reserved in blocks, and a process starts
 * above everything that any process before it may have used.
 */
export interface RevisionStore {
  /** Highest number reserved so far; 0 in the beginning. */
  reserved(): Promise<number>;
  /** Resolves once every number up to this one is durably reserved. */
  reserve(upTo: number): Promise<void>;
}
