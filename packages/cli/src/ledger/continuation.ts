import { RampartError } from '@rampart/core';
import { type Checkpoint, openCheckpoint, type VerifierKey, verifyConsistency } from '@rampart/journal';
import type { ContinuationProof } from './continuation-file.ts';

/** A checkpoint that somebody kept. Throws INVALID_ARGUMENT. */
export function openKept(text: string, key: VerifierKey, file: string): Checkpoint {
  const kept = openCheckpoint(text, key);
  if (kept.ok) return kept.value;
  throw new RampartError('INVALID_ARGUMENT', `${file} is no checkpoint of this journal: ${kept.problem}`);
}

/** Every reason why the later checkpoint is none of a continuation of what was kept. Asks nobody. */
export function continuationProblems(
  kept: Checkpoint,
  { first, checkpoint, hashes }: ContinuationProof,
  key: VerifierKey,
): { readonly problems: readonly string[]; readonly checkpoint: Checkpoint | undefined } {
  const later = openCheckpoint(checkpoint, key);
  if (!later.ok) {
    return { problems: [`the checkpoint is not to be trusted: ${later.problem}`], checkpoint: undefined };
  }
  return { problems: deviations(kept, { first, later: later.value, hashes }), checkpoint: later.value };
}

function deviations(
  kept: Checkpoint,
  { first, later, hashes }: { readonly first: number; readonly later: Checkpoint; readonly hashes: readonly string[] },
): string[] {
  const { size, root } = later;
  if (first !== kept.size) return [`it proves from ${first} entries on, the checkpoint that you kept has ${kept.size}`];
  if (kept.size > size) {
    return [
      `${kept.size} entries were signed in the checkpoint that you kept, and there are ${size}: entries are gone`,
    ];
  }
  if (verifyConsistency({ first, second: size, hashes }, kept.root, root)) return [];
  return [`the journal does not begin with the ${kept.size} entries of the checkpoint that you kept: it was rewritten`];
}
