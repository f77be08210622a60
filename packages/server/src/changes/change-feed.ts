import { RampartError } from '@rampart/core';
import { type Change, subjectOf } from './change.ts';
import type { RevisionStore } from './revision-store.ts';

const BLOCK = 1000;
const DEFAULT_HISTORY = 4096;
const NOTHING: readonly Change[] = [];

/** A revision that was given out before its change is durable. It holds back every later one until it is settled. */
export interface RevisionTicket {
  readonly revision: number;
  /** The change is durable: `effect` makes it visible in memory, in the order of revisions. */
  settle(changes: readonly Change[], effect?: () => void): void;
  /** The change did not come about. */
  abandon(): void;
}

interface Slot {
  readonly revision: number;
  outcome: { readonly changes: readonly Change[]; readonly effect: () => void } | 'open' | 'abandoned';
}

/**
 * The one order of everything data planes are told: each change has a revision, revisions only grow (restarts included),
 * a reader that holds revision N gets what came after it without a gap, or is told that history no longer reaches that far.
 */
export class ChangeFeed {
  readonly #store: RevisionStore;
  readonly #historyLength: number;
  readonly #history: { readonly revision: number; readonly changes: readonly Change[] }[] = [];
  readonly #slots: Slot[] = [];
  readonly #watchers = new Set<() => void>();
  #head: number;
  #floor: number;
  /** Revision of the newest change of a resource; that of the start before there is any. */
  #resourcesAt: number;
  #next: number;
  #reserved: number;
  #reserving: Promise<void> | undefined;
  #announcing = false;

  private constructor(store: RevisionStore, reserved: number, historyLength: number) {
    this.#store = store;
    this.#historyLength = historyLength;
    // The state a process finds is a revision of its own: what an earlier one told under its last number may differ.
    this.#head = reserved + 1;
    this.#floor = this.#head;
    this.#resourcesAt = this.#head;
    this.#next = this.#head + 1;
    this.#reserved = reserved;
  }

  static async open(store: RevisionStore, options: { readonly historyLength?: number } = {}): Promise<ChangeFeed> {
    const feed = new ChangeFeed(store, await store.reserved(), options.historyLength ?? DEFAULT_HISTORY);
    await feed.#reserveBlock();
    return feed;
  }

  /** Revision of the state that is visible now. */
  get revision(): number {
    return this.#head;
  }

  /** The oldest revision after which changes can still be told one by one. */
  get oldest(): number {
    return this.#floor;
  }

  reserve(): RevisionTicket {
    const slot: Slot = { revision: this.#next, outcome: 'open' };
    this.#next += 1;
    this.#slots.push(slot);
    const close = (outcome: Slot['outcome']): void => {
      if (slot.outcome !== 'open') {
        throw new RampartError('INTERNAL', `BUG: revision ${slot.revision} was settled twice`);
      }
      slot.outcome = outcome;
      this.#advance();
    };
    return {
      revision: slot.revision,
      settle: (changes, effect = () => undefined) => close({ changes, effect }),
      abandon: () => close('abandoned'),
    };
  }

  /** For changes that are durable (or need not be) already. */
  publish(changes: readonly Change[]): number {
    const ticket = this.reserve();
    ticket.settle(changes);
    return ticket.revision;
  }

  /** What changed after a revision, each subject once; 'compacted' when that can no longer (or not yet) be told. */
  since(revision: number): readonly Change[] | 'compacted' {
    if (revision < this.#floor || revision > this.#head) {
      return 'compacted';
    }
    const bySubject = new Map<string, Change>();
    for (let index = this.#history.length - 1; index >= 0; index -= 1) {
      const entry = this.#history[index];
      if (entry === undefined || entry.revision <= revision) {
        break;
      }
      for (const change of entry.changes) {
        bySubject.set(subjectOf(change), change);
      }
    }
    return [...bySubject.values()];
  }

  /** The same of resources alone; at once where none changed, since services change thousands of times as often. */
  resourcesSince(revision: number): readonly Change[] | 'compacted' {
    if (revision >= this.#resourcesAt && revision <= this.#head) return NOTHING;
    const changes = this.since(revision);
    return changes === 'compacted' ? changes : changes.filter(isOfResource);
  }

  /** Calls back after the head moved, once a turn of the event loop at most. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  #advance(): void {
    for (let slot = this.#slots[0]; slot !== undefined && slot.outcome !== 'open'; slot = this.#slots[0]) {
      if (slot.revision > this.#reserved) {
        void this.#reserveBlock().then(
          () => this.#advance(),
          () => undefined,
        );
        return;
      }
      this.#slots.shift();
      this.#head = slot.revision;
      if (slot.outcome !== 'abandoned') {
        slot.outcome.effect();
        this.#remember(slot.revision, slot.outcome.changes);
      }
    }
    if (this.#next + BLOCK / 2 > this.#reserved) {
      // A failure shows where it matters: when the block is used up and nothing can be published.
      void this.#reserveBlock().catch(() => undefined);
    }
  }

  #remember(revision: number, changes: readonly Change[]): void {
    this.#history.push({ revision, changes });
    if (changes.some(isOfResource)) this.#resourcesAt = revision;
    if (this.#history.length > this.#historyLength) {
      // Half at once, so that dropping old entries costs nothing per change.
      const dropped = this.#history.splice(0, this.#historyLength >> 1);
      this.#floor = dropped.at(-1)?.revision ?? this.#floor;
    }
    if (!this.#announcing) {
      this.#announcing = true;
      setImmediate(() => {
        this.#announcing = false;
        for (const listener of this.#watchers) {
          listener();
        }
      });
    }
  }

  #reserveBlock(): Promise<void> {
    const upTo = Math.max(this.#next, this.#reserved) + BLOCK;
    this.#reserving ??= this.#store
      .reserve(upTo)
      .then(() => {
        this.#reserved = upTo;
      })
      .finally(() => {
        this.#reserving = undefined;
      });
    return this.#reserving;
  }
}

function isOfResource({ kind }: Change): boolean {
  return kind === 'resource';
}
