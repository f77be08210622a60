import type { RevocationAct } from './act.ts';

/** Where acts of revocation are remembered beside the certificates that they are about. Durable and atomic as `AuthorityStore`. */
export interface RevocationStore {
  /** Adding one with a known id does nothing. */
  addAct(act: RevocationAct): Promise<void>;
  /** All of them, in the order of adding. */
  acts(): Promise<readonly RevocationAct[]>;
  forget(ids: readonly string[]): Promise<void>;
  /** A number for the next revocation list: greater than every one before, and at least `least`. */
  nextCrlNumber(least: number): Promise<number>;
}

/**
 * The revocation epoch: what was revoked, kept apart from the database, so that an old copy of that brings nothing back that was
 * revoked since.
 */
export interface RevocationEpoch {
  /** What it held when it was opened, in the order of appending. */
  readonly acts: readonly RevocationAct[];
  /** What had no effect since before this, Unix milliseconds, may have been dropped from it; 0 while nothing was. */
  readonly forgottenBefore: number;
  /** Resolves when the act survives the loss of power. Throws `RampartError` STORAGE_FAILED; nothing is appended then. */
  append(act: RevocationAct): Promise<void>;
  /** Drops acts that had no effect since before a time. Throws `RampartError` STORAGE_FAILED; all of them are there then. */
  forget(acts: readonly RevocationAct[], endedBefore: number): Promise<void>;
}
