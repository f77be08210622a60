import type { Client } from '@connectrpc/connect';
import { leafHash, openCheckpoint, verifyInclusion, type VerifierKey } from '@rampart/journal';
import type { LedgerService, RecordedEntry } from '@rampart/wire';

/** Entries whose hashes are kept as one: where a hash was changed together with its entry, its neighbours fail with it. */
const GROUP = 16;
const A_CALL = 500;
const MOST_PROBLEMS = 20;

/**
 * Where a journal whose every entry has its hash differs from what was signed: entry and hash were changed together. One entry
 * of each group is proven against the signed root; the groups that cannot be are named.
 */
export async function changedGroups(
  client: Client<typeof LedgerService>,
  size: number,
  key: VerifierKey,
): Promise<string[]> {
  const problems: string[] = [];
  const groups = Math.ceil(size / GROUP);
  for (let start = 0; start < groups && problems.length < MOST_PROBLEMS; start += A_CALL) {
    const count = Math.min(A_CALL, groups - start);
    const sequences = Array.from({ length: count }, (_, index) => BigInt((start + index) * GROUP + 1));
    const { checkpoint, entries } = await client.proveEntries({ sequences });
    const signed = openCheckpoint(checkpoint, key);
    if (!signed.ok) return [`the checkpoint is not to be trusted: ${signed.problem}`];
    for (const { entry, path } of entries) {
      const index = Number(entry?.sequence ?? 0) - 1;
      const proof = { index, size: signed.value.size, hashes: path };
      if (verifyInclusion(proof, hashOf(entry), signed.value.root)) continue;
      const last = Math.min(index + GROUP, size);
      problems.push(`one of the entries ${index + 1} to ${last} was changed together with its hash`);
    }
  }
  if (problems.length > 0 && problems.length < groups) return problems;
  return [`the ${size} entries are not those that were signed`];
}

/** Of an entry that has expired only its hash is left. */
function hashOf(entry: RecordedEntry | undefined): string {
  if (entry === undefined) return '';
  return entry.body === '' ? entry.leafHash : leafHash(entry.body);
}
