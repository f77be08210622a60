import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { JournalHead } from './journal.ts';
import type { VerifierKey } from './checkpoints/verifier-key.ts';
import { leafHash, MerkleTree } from './merkle-tree.ts';
import { ExpiredRecords } from './retention/expired-records.ts';
import { EXPIRY_KIND } from './retention/statement.ts';
import type { JournalEntry, JournalStore } from './store.ts';

const PAGE = 1000;

/** The first place where a journal is not what it claims to be. */
export interface JournalDamage {
  /** Sequence of the entry, or of the first entry that is missing. */
  readonly sequence: number;
  readonly message: string;
}

/**
 * Reads the whole journal and recomputes every leaf hash and the root; tells the first entry that was changed or is missing. Bodies
 * may be missing where what this key signed says that they expired; without a key none may.
 */
export async function verifyJournal(
  store: JournalStore,
  key?: VerifierKey,
): Promise<Result<JournalHead, JournalDamage>> {
  const claimed = await store.tree();
  const tree = new MerkleTree();
  const expired = new ExpiredRecords(key === undefined ? [] : await expiryRecords(store), key);
  while (tree.size < claimed.size) {
    const limit = Math.min(PAGE, claimed.size - tree.size);
    const page = await store.read({ after: tree.size, withExpired: true, limit, order: 'oldest-first' });
    const damage = growBy(tree, page, expired) ?? (page.length === 0 ? missing(tree.size + 1) : undefined);
    if (damage !== undefined) return fail(damage);
  }
  const [problem] = expired.end();
  if (problem !== undefined) return fail({ sequence: tree.size, message: problem });
  const root = MerkleTree.restore(claimed).root;
  if (tree.root === root) return ok({ size: tree.size, root });
  return fail({
    sequence: tree.size,
    message: `the entries up to ${tree.size} do not have the root that was stored with them`,
  });
}

async function expiryRecords(store: JournalStore): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = [];
  const query = { stream: 'audit', kind: EXPIRY_KIND, limit: PAGE, order: 'oldest-first' } as const;
  for (;;) {
    const page = await store.read({ ...query, after: found.at(-1)?.sequence ?? 0 });
    found.push(...page);
    if (page.length < PAGE) return found;
  }
}

function growBy(tree: MerkleTree, page: readonly JournalEntry[], expired: ExpiredRecords): JournalDamage | undefined {
  for (const entry of page) {
    if (entry.sequence !== tree.size + 1) return missing(tree.size + 1);
    const problem = expired.see(entry);
    if (problem !== undefined) return { sequence: entry.sequence, message: problem };
    if (entry.body !== '' && leafHash(entry.body) !== entry.leafHash) {
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
