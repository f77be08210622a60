import type { DiscoveredInstance, InstanceGone, InstancePut } from './discovery.ts';

/** What one revision did to one instance of one service. */
export interface HistoryEntry {
  readonly revision: number;
  /** Key of the service. */
  readonly key: string;
  readonly namespace: string;
  readonly before: DiscoveredInstance | undefined;
  readonly after: DiscoveredInstance | undefined;
  /** Shared by all who are told, so that a door can keep what it made of them. */
  readonly put: InstancePut | undefined;
  readonly gone: InstanceGone | undefined;
}

export function historyEntry(change: {
  readonly revision: number;
  readonly key: string;
  readonly before: DiscoveredInstance | undefined;
  readonly after: DiscoveredInstance | undefined;
}): HistoryEntry {
  const { revision, before, after } = change;
  return {
    ...change,
    namespace: (after ?? before)?.namespace ?? '',
    put: after === undefined ? undefined : { kind: 'put', revision, current: after },
    gone: before === undefined ? undefined : { kind: 'gone', revision, last: before },
  };
}

/** The newest changes of all services, oldest first. Whole revisions come and go together. */
export class History {
  readonly #entries: HistoryEntry[] = [];
  readonly #length: number;
  #floor: number;

  /** @param length How many entries are kept at least; twice as many at most. */
  constructor(floor: number, length: number) {
    this.#floor = floor;
    this.#length = length;
  }

  /** Everything after this revision is known. */
  get floor(): number {
    return this.#floor;
  }

  /** Gives the entries that history no longer holds, most often none. */
  add(entry: HistoryEntry): readonly HistoryEntry[] {
    this.#entries.push(entry);
    return this.#entries.length < 2 * this.#length ? [] : this.#drop(entry.revision);
  }

  /** Entries after a revision, oldest first. */
  after(revision: number): readonly HistoryEntry[] {
    return this.#entries.slice(firstAfter(this.#entries, revision));
  }

  #drop(newest: number): readonly HistoryEntry[] {
    // The revision that is being written may have more entries to come.
    const last = Math.min(this.#entries[this.#length - 1]?.revision ?? newest, newest - 1);
    const dropped = this.#entries.splice(0, firstAfter(this.#entries, last));
    this.#floor = dropped.at(-1)?.revision ?? this.#floor;
    return dropped;
  }
}

/** Index of the first entry after a revision, of entries in order. */
export function firstAfter(entries: readonly HistoryEntry[], revision: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.revision ?? Infinity) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
