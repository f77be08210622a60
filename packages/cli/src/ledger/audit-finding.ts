import type { Checkpoint, VerifierKey } from '@rampart/journal';

/** What came out of a verification of the journal. */
export interface AuditFinding {
  readonly problems: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  readonly kept: Checkpoint | undefined;
  readonly key: VerifierKey;
  /** Recomputed here. */
  readonly entries: number;
  /** Those of them whose bodies are gone because they expired. */
  readonly expired: number;
}

/** A checkpoint that somebody kept in a file. */
export interface KeptFile {
  readonly file: string;
  readonly text: string;
}
