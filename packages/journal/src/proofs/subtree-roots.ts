import { RampartError } from '@rampart/core';
import { KEPT_LEVELS, nodeHash } from '../merkle-tree.ts';
import type { JournalStore } from '../store.ts';
import { split } from './leaf-ranges.ts';
import type { LeafRange } from './leaf-ranges.ts';

const GROUP = 2 ** KEPT_LEVELS;

type HashRows = Pick<JournalStore, 'hashes'>;

/** Roots of subtrees, from the hashes that a store keeps. Sixteen neighbours are read at once and remembered for one proof. */
export class SubtreeRoots {
  readonly #store: HashRows;
  readonly #groups = new Map<string, Promise<readonly string[]>>();

  constructor(store: HashRows) {
    this.#store = store;
  }

  /** Hex root over a range of leaves that RFC 9162 §2.1 hashes as one. Throws `RampartError` JOURNAL_INCONSISTENT where hashes are missing. */
  async root(range: LeafRange): Promise<string> {
    const height = Math.round(Math.log2(range.end - range.start));
    if (2 ** height === range.end - range.start) return this.#complete(height, range.start / 2 ** height);
    const { left, right } = split(range);
    const [first, second] = await Promise.all([this.root(left), this.root(right)]);
    return nodeHash(first, second);
  }

  async #complete(height: number, position: number): Promise<string> {
    const above = height % KEPT_LEVELS;
    if (above > 0) {
      const [left, right] = await Promise.all([
        this.#complete(height - 1, 2 * position),
        this.#complete(height - 1, 2 * position + 1),
      ]);
      return nodeHash(left, right);
    }
    const group = await this.#group(height, Math.floor(position / GROUP));
    const hash = group[position % GROUP];
    if (hash !== undefined) return hash;
    // Which one of the group it is cannot be told: those after it have moved up.
    const first = Math.floor(position / GROUP) * GROUP * 2 ** height + 1;
    const last = first + GROUP * 2 ** height - 1;
    throw new RampartError(
      'JOURNAL_INCONSISTENT',
      `the journal lost a hash of its entries ${first} to ${last}; see what is damaged with: rampart audit verify`,
    );
  }

  #group(height: number, group: number): Promise<readonly string[]> {
    const key = `${height}/${group}`;
    const known = this.#groups.get(key) ?? this.#store.hashes({ height, first: group * GROUP, count: GROUP });
    this.#groups.set(key, known);
    return known;
  }
}
