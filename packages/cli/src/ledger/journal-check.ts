import { type EntryFields, ExpiredRecords, leafHash, MerkleTree, type VerifierKey } from '@rampart/journal';
import type { FiledEntry } from './journal-file.ts';
import { entryFields, textField } from './entry-fields.ts';
import { isObject } from './json-file.ts';

/** Named damages; more of them say no more. */
const MOST_PROBLEMS = 20;
const ANCHOR_LOST = 'JOURNAL_ANCHOR_LOST';

/** A place in a journal before which an older copy of it would not have been noticed. */
export interface AnchorGap {
  readonly sequence: number;
  /** What was found, and when. */
  readonly text: string;
}

/** What there is to hold a journal against. */
export interface JournalCheckOptions {
  /** Sizes whose roots are remembered. */
  readonly sizes: readonly number[];
  /** Its records of what expired. */
  readonly expiries: readonly FiledEntry[];
  /** Whose word counts in them. */
  readonly key: VerifierKey;
}

/** Recomputes a journal entry by entry, and remembers its root at every size that is asked for. */
export class JournalCheck {
  readonly #tree = new MerkleTree();
  readonly #sizes: ReadonlySet<number>;
  readonly #roots = new Map<number, string>();
  readonly #problems: string[] = [];
  readonly #gaps: AnchorGap[] = [];
  readonly #expired: ExpiredRecords;
  #next = 1;

  constructor({ sizes, expiries, key }: JournalCheckOptions) {
    this.#sizes = new Set(sizes);
    this.#expired = new ExpiredRecords(
      expiries.map((entry) => ({ ...entry, sequence: Number(entry.sequence) })),
      key,
    );
    if (this.#sizes.has(0)) this.#roots.set(0, this.#tree.root);
  }

  /** Entries seen. */
  get size(): number {
    return this.#tree.size;
  }

  /** Those of them that have expired. */
  get expired(): number {
    return this.#expired.missing;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Where what was signed last was not there to hold the journal against. */
  get gaps(): readonly AnchorGap[] {
    return this.#gaps;
  }

  /** Hex root of the first `size` entries; undefined when there were not so many. */
  root(size: number): string | undefined {
    return this.#roots.get(size);
  }

  add(entry: FiledEntry): void {
    const { body, leafHash: stored } = entry;
    const at = Number(entry.sequence);
    if (at !== this.#next) this.#problem(`${namesOf(this.#next, at - 1)} missing`);
    this.#next = at + 1;
    const unexplained = this.#expired.see({ ...entry, sequence: at });
    if (unexplained !== undefined) this.#problem(unexplained);
    const hash = body === '' ? stored : leafHash(body);
    this.#compare(entry, hash);
    this.#tree.add(hash);
    if (this.#sizes.has(this.#tree.size)) this.#roots.set(this.#tree.size, this.#tree.root);
  }

  #compare({ sequence: at, kind, body, leafHash: stored }: FiledEntry, hash: string): void {
    if (body === '') return;
    const fields = entryFields(body);
    if (kind === ANCHOR_LOST && this.#gaps.length < MOST_PROBLEMS) this.#gaps.push(gapIn(fields, Number(at)));
    if (hash !== stored) {
      this.#problem(`entry ${at} (${kind}) was changed: its body does not have its hash`);
    } else if (textField(fields, 'sequence') !== String(at) || textField(fields, 'event_type') !== kind) {
      this.#problem(
        `entry ${at} (${kind}) was changed: its body says that it is ${textField(fields, 'event_type')} at ${textField(fields, 'sequence')}`,
      );
    }
  }

  /** Says which entries never came, and what is wrong with those that let others expire. */
  end(size: number): void {
    if (this.#next <= size) this.#problem(`${namesOf(this.#next, size)} missing`);
    for (const problem of this.#expired.end()) this.#problem(problem);
  }

  #problem(text: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(text);
  }
}

function gapIn(fields: EntryFields, sequence: number): AnchorGap {
  const { details } = fields;
  const reason = isObject(details) ? textField(details, 'reason') : '';
  return { sequence, text: `entry ${sequence} (${textField(fields, 'timestamp')}): ${reason}` };
}

function namesOf(first: number, last: number): string {
  return first >= last ? `entry ${first} is` : `entries ${first} to ${last} are`;
}
