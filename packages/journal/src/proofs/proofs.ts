import { setImmediate as turn } from 'node:timers/promises';
import { RampartError } from '@rampart/core';
import type { JournalStore } from '../store.ts';
import { consistencyRanges, inclusionRanges } from './leaf-ranges.ts';
import { SubtreeRoots } from './subtree-roots.ts';

/** Proofs that are made in one turn of the event loop. */
const AT_ONCE = 10;

/** That a leaf is in a tree: its audit path, RFC 9162 §2.1.3. */
export interface InclusionProof {
  /** Position of the leaf, from 0: the entry's sequence less one. */
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
  /** Hex, from the leaf up. */
  readonly hashes: readonly string[];
}

/** That a tree was only appended to: RFC 9162 §2.1.4. */
export interface ConsistencyProof {
  /** Leaves of the older tree. */
  readonly first: number;
  /** Leaves of the newer one. */
  readonly second: number;
  /** Hex. */
  readonly hashes: readonly string[];
}

/** Reads O(log size) hashes. Throws `RampartError` INVALID_ARGUMENT for a leaf outside the tree, JOURNAL_INCONSISTENT for lost hashes. */
export async function inclusionProof(
  store: Pick<JournalStore, 'hashes'>,
  index: number,
  size: number,
): Promise<InclusionProof> {
  return proofOf(new SubtreeRoots(store), index, size);
}

/** The same of many leaves, which share most of what is read; others have their turn in between. */
export async function inclusionProofs(
  store: Pick<JournalStore, 'hashes'>,
  indexes: readonly number[],
  size: number,
): Promise<readonly InclusionProof[]> {
  const roots = new SubtreeRoots(store);
  const proofs: InclusionProof[] = [];
  for (const index of indexes) {
    proofs.push(await proofOf(roots, index, size));
    if (proofs.length % AT_ONCE === 0) await turn();
  }
  return proofs;
}

async function proofOf(roots: SubtreeRoots, index: number, size: number): Promise<InclusionProof> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RampartError('INVALID_ARGUMENT', `entry ${index + 1} is not one of the first ${size}`);
  }
  const hashes = await Promise.all(inclusionRanges(index, size).map((range) => roots.root(range)));
  return { index, size, hashes };
}

/** Reads O(log second) hashes. Throws as `inclusionProof`. */
export async function consistencyProof(
  store: Pick<JournalStore, 'hashes'>,
  first: number,
  second: number,
): Promise<ConsistencyProof> {
  if (!Number.isSafeInteger(first) || first < 0 || first > second) {
    throw new RampartError('INVALID_ARGUMENT', `a tree of ${second} entries cannot follow one of ${first}`);
  }
  const roots = new SubtreeRoots(store);
  const hashes = await Promise.all(consistencyRanges(first, second).map((range) => roots.root(range)));
  return { first, second, hashes };
}
