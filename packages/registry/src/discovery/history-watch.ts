import type { DiscoveredInstance, InstanceChange, Watch, WatchEvent } from './discovery.ts';
import type { HistoryEntry } from './history.ts';
import type { Filter } from './query.ts';

/** What a watch reads. */
export interface WatchedHistory {
  /** Revision of the newest change of anything. */
  revision(): number;
  floor(): number;
  /** Entries of the scope after a revision, oldest first. */
  after(revision: number): readonly HistoryEntry[];
  /** Every instance of the scope now, unfiltered. */
  instances(): Iterable<DiscoveredInstance>;
}

/** So that a message of it stays small. Whole revisions only. */
const MOST_CHANGES = 512;

/** A watch as a place in history. */
export class HistoryWatch implements Watch {
  readonly #history: WatchedHistory;
  readonly #filter: Filter;
  readonly #closed: () => void;
  readonly #wake: () => void;
  /** Undefined until the state was told. */
  #cursor: number | undefined;
  /** There may be something after the cursor that the scope is about. */
  #stale: boolean;

  constructor(
    history: WatchedHistory,
    options: {
      readonly filter: Filter;
      readonly from: number | undefined;
      readonly wake: () => void;
      readonly listen: (listener: (revision: number) => void) => () => void;
    },
  ) {
    this.#history = history;
    this.#filter = options.filter;
    this.#cursor = options.from;
    this.#wake = options.wake;
    this.#stale = true;
    this.#closed = options.listen((revision) => this.#changed(revision));
  }

  poll(): WatchEvent | undefined {
    if (this.#cursor === undefined) return this.#state();
    if (!this.#stale) return undefined;
    const oldest = this.#history.floor();
    if (this.#cursor < oldest) {
      this.close();
      return { kind: 'compacted', oldest, by: 'history' };
    }
    return this.#changes(this.#cursor);
  }

  bookmark(): WatchEvent | undefined {
    if (this.#stale || this.#cursor === undefined) return undefined;
    this.#cursor = this.#history.revision();
    return { kind: 'bookmark', revision: this.#cursor };
  }

  close(): void {
    this.#closed();
  }

  #changed(revision: number): void {
    if (this.#stale) return;
    this.#stale = true;
    // Nothing between the cursor and now was of this scope, or it had been told.
    if (this.#cursor !== undefined) this.#cursor = Math.max(this.#cursor, revision - 1);
    this.#wake();
  }

  #state(): WatchEvent {
    const revision = this.#history.revision();
    const all = [...this.#history.instances()];
    this.#cursor = revision;
    this.#stale = false;
    const filter = this.#filter;
    return { kind: 'state', revision, instances: filter === undefined ? all : all.filter(filter) };
  }

  #changes(since: number): WatchEvent | undefined {
    const head = this.#history.revision();
    const changes: InstanceChange[] = [];
    let revision = since;
    for (const entry of this.#history.after(since)) {
      if (entry.revision !== revision && changes.length >= MOST_CHANGES) {
        this.#cursor = revision;
        return { kind: 'changes', revision, changes };
      }
      revision = entry.revision;
      const change = this.#changeOf(entry);
      if (change !== undefined) changes.push(change);
    }
    this.#cursor = head;
    this.#stale = false;
    if (changes.length === 0) return head === since ? undefined : { kind: 'bookmark', revision: head };
    return { kind: 'changes', revision: head, changes };
  }

  #changeOf({ before, after, put, gone }: HistoryEntry): InstanceChange | undefined {
    const filter = this.#filter;
    if (filter === undefined) return put ?? gone;
    if (after !== undefined && filter(after)) return put;
    return before !== undefined && filter(before) ? gone : undefined;
  }
}
