import { leafHash, MerkleTree } from '@rampart/journal';
import type { RecordedEntry } from '@rampart/wire';
import { entryFields, textField } from './entry-fields.ts';

/** Named damages; more of them say no more. */
const MOST_PROBLEMS = 20;

/** Recomputes a journal entry by entry, and remembers its root at every size that is asked for. */
export class JournalCheck {
  readonly #tree = new MerkleTree();
  readonly #sizes: ReadonlySet<number>;
  readonly #roots = new Map<number, string>();
  readonly #problems: string[] = [];
  #next = 1;

  constructor(sizes: readonly number[]) {
    this.#sizes = new Set(sizes);
    if (this.#sizes.has(0)) this.#roots.set(0, this.#tree.root);
  }

  /** Entries seen. */
  get size(): number {
    return this.#tree.size;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Hex root of the first `size` entries; undefined when there were not so many. */
  root(size: number): string | undefined {
    return this.#roots.get(size);
  }

  add({ sequence, kind, body, leafHash: stored }: RecordedEntry): void {
    const at = Number(sequence);
    if (at !== this.#next) this.#problem(`${namesOf(this.#next, at - 1)} missing`);
    this.#next = at + 1;
    const hash = leafHash(body);
    const fields = entryFields(body);
    if (hash !== stored) {
      this.#problem(`entry ${at} (${kind}) was changed: its body does not have its hash`);
    } else if (textField(fields, 'sequence') !== String(at) || textField(fields, 'event_type') !== kind) {
      this.#problem(
        `entry ${at} (${kind}) was changed: its body says that it is ${textField(fields, 'event_type')} at ${textField(fields, 'sequence')}`,
      );
    }
    this.#tree.add(hash);
    if (this.#sizes.has(this.#tree.size)) this.#roots.set(this.#tree.size, this.#tree.root);
  }

  /** Says which entries never came. */
  end(size: number): void {
    if (this.#next <= size) this.#problem(`${namesOf(this.#next, size)} missing`);
  }

  #problem(text: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(text);
  }
}

function namesOf(first: number, last: number): string {
  return first >= last ? `entry ${first} is` : `entries ${first} to ${last} are`;
}
