import type { Checkpoint, VerifierKey } from '@rampart/journal';
import type { AnchorGap, JournalCheck } from './journal-check.ts';

/** What a reading of entries gives, sound or not. */
export interface JournalReadings {
  /** Recomputed here. */
  readonly entries: number;
  /** Those of them whose bodies are gone because they expired. */
  readonly expired: number;
  /** Behind what was kept. */
  readonly gaps: readonly AnchorGap[];
}

/** What came out of a verification of the journal. */
export interface AuditFinding extends JournalReadings {
  readonly problems: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  readonly kept: Checkpoint | undefined;
  readonly key: VerifierKey;
}

/** A checkpoint that somebody kept in a file. */
export interface KeptFile {
  readonly file: string;
  readonly text: string;
}

/** Where only hashes are compared. */
export const NOTHING_READ: JournalReadings = { entries: 0, expired: 0, gaps: [] };

export function readingsOf({ size, expired, gaps }: JournalCheck, kept: Checkpoint | undefined): JournalReadings {
  return { entries: size, expired, gaps: gaps.filter(({ sequence }) => sequence > (kept?.size ?? 0)) };
}
