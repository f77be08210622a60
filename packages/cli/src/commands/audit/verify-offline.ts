import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { openCheckpoint, type VerifierKey } from '@rampart/journal';
import type { Io } from '../../io.ts';
import { type AuditFinding, type KeptFile, NOTHING_READ, readingsOf } from '../../ledger/audit-finding.ts';
import { continuationProblems, openKept } from '../../ledger/continuation.ts';
import { parseContinuation } from '../../ledger/continuation-file.ts';
import { firstLineOf, journalHeadIn, readJournalFile } from '../../ledger/journal-file.ts';
import { readText } from '../ca/files.ts';

export interface OfflineVerification {
  readonly key: VerifierKey | undefined;
  readonly kept: KeptFile | undefined;
  readonly io: Io;
}

/** What a file proves: an exported journal, or the proof of a continuation. Asks nobody. */
export async function verifyFile(name: string, { key, kept, io }: OfflineVerification): Promise<AuditFinding> {
  if (key === undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--offline asks nobody: say with --key whose signature counts');
  }
  const file = resolve(io.workingDirectory, name);
  const checkpoint = journalHeadIn(await firstLineOf(file));
  if (checkpoint !== undefined) return verifyExport(file, checkpoint, { key, kept });
  if (kept === undefined) {
    throw new RampartError('INVALID_ARGUMENT', 'a proof goes on from a checkpoint that you kept: name it with --from');
  }
  const proof = parseContinuation(await readText(name, io));
  if (!proof.ok) throw new RampartError('INVALID_ARGUMENT', `${name}: ${proof.problem}`);
  const opened = openKept(kept.text, key, kept.file);
  return { ...continuationProblems(opened, proof.value, key), kept: opened, key, ...NOTHING_READ };
}

async function verifyExport(
  file: string,
  note: string,
  { key, kept: keptFile }: { readonly key: VerifierKey; readonly kept: KeptFile | undefined },
): Promise<AuditFinding> {
  const kept = keptFile === undefined ? undefined : openKept(keptFile.text, key, keptFile.file);
  const opened = openCheckpoint(note, key);
  if (!opened.ok) {
    const problems = [`the checkpoint is not to be trusted: ${opened.problem}`];
    return { problems, checkpoint: undefined, kept, key, ...NOTHING_READ };
  }
  const checkpoint = opened.value;
  const sizes = [checkpoint.size, ...(kept === undefined ? [] : [kept.size])];
  const check = await readJournalFile(file, { sizes, key });
  check.end(checkpoint.size);
  const problems = [...check.problems];
  if (check.size > checkpoint.size)
    problems.push(`only the first ${checkpoint.size} of ${check.size} entries are signed`);
  if (problems.length === 0 && check.root(checkpoint.size) !== checkpoint.root) {
    problems.push(`the ${checkpoint.size} entries are not those that were signed`);
  }
  if (problems.length === 0 && kept !== undefined && check.root(kept.size) !== kept.root) {
    problems.push(`the first ${kept.size} entries are not those of the checkpoint that you kept`);
  }
  return { problems, checkpoint, kept, key, ...readingsOf(check, kept) };
}
