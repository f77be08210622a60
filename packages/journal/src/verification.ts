import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { JournalHead } from './journal.ts';
import { leafHash, MerkleTree } from './merkle-tree.ts';
import type { JournalEntry, JournalStore } from './store.ts';

const PAGE = 1000;

/** The first place where a journal is not what it claims to be. */
export interface JournalDamage {
  /** Sequence of the entry, or of the first entry that is missing. */
  readonly sequence: number;
  readonly message: string;
}

/** Reads the whole journal and recomputes every leaf hash and the root; tells the first entry that was changed or is missing. */
export async function verifyJournal(store: JournalStore): Promise<Result<JournalHead, JournalDamage>> {
  const claimed = await store.tree();
  const tree = new MerkleTree();
  while (tree.size < claimed.size) {
    const limit = Math.min(PAGE, claimed.size - tree.size);
    const page = await store.read({ after: tree.size, limit, order: 'oldest-first' });
    const damage = growBy(tree, page) ?? (page.length === 0 ? missing(tree.size + 1) : undefined);
    if (damage !== undefined) return fail(damage);
  }
  const root = MerkleTree.restore(claimed).root;
  if (tree.root === root) return ok({ size: tree.size, root });
  return fail({
    sequence: tree.size,
    message: `the entries up to ${tree.size} do not have the root that was stored with them`,
  });
}

function growBy(tree: MerkleTree, page: readonly JournalEntry[]): JournalDamage | undefined {
  for (const entry of page) {
    if (entry.sequence !== tree.size + 1) return missing(tree.size + 1);
    if (leafHash(entry.body) !== entry.leafHash) {
      return {
        sequence: entry.sequence,
        message: `entry ${entry.sequence} was changed: its body does not have its hash`,
      };
    }
    tree.add(entry.leafHash);
  }
  return undefined;
}

function missing(sequence: number): JournalDamage {
  return { sequence, message: `entry ${sequence} is missing` };
}
