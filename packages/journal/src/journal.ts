import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import { auditBody } from './audit.ts';
import type { AuditEvent, AuditStamp } from './audit.ts';
import { canonicalJson } from './canonical-json.ts';
import type { JsonValue } from './canonical-json.ts';
import { leafHash, MerkleTree } from './merkle-tree.ts';
import { consistencyProof, inclusionProof, inclusionProofs } from './proofs/proofs.ts';
import type { ConsistencyProof, InclusionProof } from './proofs/proofs.ts';
import type { Companion, JournalEntry, JournalQuery, JournalStore, JournalStream, MerkleNode } from './store.ts';

/** What a caller records; the journal adds `timestamp`, `registry_node` and `sequence`. */
export interface JournalBody {
  /** Becomes the entry's `kind`. */
  readonly event_type: string;
  readonly [field: string]: JsonValue;
}

/** Makes a body with what the journal adds to it. */
export type StampedBodyOf = (stamp: AuditStamp) => JournalBody & AuditStamp;

export interface JournalOptions {
  /** Name of this control plane in every record ("rampart-1"). */
  readonly node?: string;
}

/** How far the journal has come. */
export interface JournalHead {
  readonly size: number;
  /** Hex Merkle root (RFC 9162 §2.1.1) over the first `size` entries. */
  readonly root: string;
}

/** What a change of many things needs to be on record with all of them. */
export interface RecordedChange<T> {
  /** Each makes the event of one thing. */
  readonly events: readonly (() => AuditEvent)[];
  /** Asked after each event: what to wait for before the next one is made ready, so that others have their turn. */
  pause(): Promise<void> | undefined;
  /** Calls the domain's own store before it returns. */
  change(): Promise<T>;
}

/** Makes what is to be stored with an entry, by the entry's sequence. */
export type CompanionOf = (sequence: number) => Companion | readonly Companion[];

interface Waiting {
  readonly entry: JournalEntry;
  readonly companion: ReturnType<CompanionOf> | undefined;
  readonly stored: PromiseWithResolvers<JournalEntry>;
}

/**
 * The append-only record. Entries that are appended in one turn of the event loop reach the store in one call, and an append
 * resolves once its entry is durable. A domain that calls its own store in the same turn gives a store on a shared engine the
 * chance to commit the change and its record in one transaction.
 *
 * When the store fails, every append that was on its way rejects, and the next one first reads back what the store holds.
 */
export class Journal {
  readonly #store: JournalStore;
  readonly #clock: Clock;
  readonly #node: string;
  /** Runs ahead of the store by what is on its way. */
  #tree: MerkleTree;
  #head: JournalHead;
  #waiting: Waiting[] = [];
  /** Subtrees that those who wait have completed. */
  #nodes: MerkleNode[] = [];
  readonly #flights = new Set<Promise<void>>();
  #recovery: Promise<void> | undefined;
  /** While a change of many things is made ready nothing takes off: its entries are to reach the store together. */
  #gathering: Promise<void> | undefined;
  /** How often what waited was given up. */
  #losses = 0;
  /** Of one millisecond there are many entries. */
  #stampedAt = Number.NaN;
  #timestamp = '';

  private constructor(
    store: JournalStore,
    clock: Clock,
    options: { readonly node: string; readonly tree: MerkleTree },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#node = options.node;
    this.#tree = options.tree;
    this.#head = headOf(options.tree);
  }

  /** Continues the journal that the store holds. */
  static async open(store: JournalStore, clock: Clock, options: JournalOptions = {}): Promise<Journal> {
    const tree = MerkleTree.restore(await store.tree());
    return new Journal(store, clock, { node: options.node ?? 'rampart', tree });
  }

  /** What is durable. */
  get head(): JournalHead {
    return this.#head;
  }

  /**
   * Resolves once the entry is durable. Rejects with `RampartError` INVALID_ARGUMENT for a body that JSON cannot say, and
   * with what the store threw when it could not keep the entry. With `companionOf` other rows are stored in the same step.
   * A body that is asked for with its stamp can have every key in its place, and is printed in half the time.
   */
  append(stream: JournalStream, body: JournalBody | StampedBodyOf, companionOf?: CompanionOf): Promise<JournalEntry> {
    const bodyOf: StampedBodyOf = typeof body === 'function' ? body : (stamp) => ({ ...body, ...stamp });
    return this.#append(stream, bodyOf, companionOf);
  }

  /** Puts an event on the audit record; resolves and rejects as `append`. */
  audit(event: AuditEvent, companionOf?: CompanionOf): Promise<JournalEntry> {
    return this.#append('audit', (stamp) => auditBody(event, stamp), companionOf);
  }

  /**
   * Puts a change of many things on the audit record, with an event for each: they are made ready one after the other with room for
   * others between them, and reach the store in one call, in the turn in which `change` is called. Appends of others meanwhile become
   * durable with them. Rejects as `append` does, and with what `change` rejects with; it is not called where its record is lost.
   */
  async auditChange<T>({ events, pause, change }: RecordedChange<T>): Promise<T> {
    while (this.#gathering !== undefined || this.#recovery !== undefined) await (this.#gathering ?? this.#recovery);
    const { promise, resolve: end } = Promise.withResolvers<void>();
    this.#gathering = promise;
    const losses = this.#losses;
    const stored: Promise<JournalEntry>[] = [];
    try {
      for (const eventOf of events) {
        const entry = this.audit(eventOf());
        entry.catch(() => undefined);
        stored.push(entry);
        const others = pause();
        if (others !== undefined) await others;
      }
    } finally {
      this.#gathering = undefined;
      end();
      this.#takeOff();
    }
    if (losses !== this.#losses) throw lost();
    const [outcome] = await Promise.all([change(), ...stored]);
    return outcome;
  }

  #append(
    stream: JournalStream,
    bodyOf: (stamp: AuditStamp) => JournalBody,
    companionOf?: CompanionOf,
  ): Promise<JournalEntry> {
    if (this.#recovery !== undefined) return this.#recovery.then(() => this.#append(stream, bodyOf, companionOf));
    const stored = Promise.withResolvers<JournalEntry>();
    try {
      const entry = this.#next(stream, bodyOf);
      const companion = companionOf?.(entry.sequence);
      this.#tree.add(entry.leafHash, (node) => this.#nodes.push(node));
      this.#waiting.push({ entry, companion, stored });
      if (this.#waiting.length === 1) setImmediate(() => this.#takeOff());
    } catch (error) {
      stored.reject(error);
    }
    return stored.promise;
  }

  read(query: JournalQuery): Promise<readonly JournalEntry[]> {
    return this.#store.read(query);
  }

  /**
   * That an entry is in the tree of the first `size` entries (RFC 9162 §2.1.3.1); reads O(log size) hashes. Throws
   * `RampartError` INVALID_ARGUMENT for an entry that is not in it or a size that is not durable, JOURNAL_INCONSISTENT
   * where the store lost hashes.
   */
  async inclusion(sequence: number, size: number = this.#head.size): Promise<InclusionProof> {
    this.#checkSize(size);
    return inclusionProof(this.#store, sequence - 1, size);
  }

  /** The same of many entries, which share most of what is read. */
  async inclusions(sequences: readonly number[], size: number = this.#head.size): Promise<readonly InclusionProof[]> {
    this.#checkSize(size);
    const indexes = sequences.map((sequence) => sequence - 1);
    return inclusionProofs(this.#store, indexes, size);
  }

  /** That the tree of `second` entries is that of `first` and more (RFC 9162 §2.1.4.1); as `inclusion`. */
  async consistency(first: number, second: number = this.#head.size): Promise<ConsistencyProof> {
    this.#checkSize(second);
    return consistencyProof(this.#store, first, second);
  }

  #checkSize(size: number): void {
    if (size <= this.#head.size) return;
    throw new RampartError('INVALID_ARGUMENT', `the journal has ${this.#head.size} entries, not ${size}`);
  }

  /** Waits until every append so far is durable or refused. */
  async settle(): Promise<void> {
    while (this.#gathering !== undefined) await this.#gathering;
    if (this.#waiting.length > 0) this.#takeOff();
    while (this.#flights.size > 0) await Promise.all(this.#flights);
    await this.#recovery?.catch(() => undefined);
  }

  #next(stream: JournalStream, bodyOf: (stamp: AuditStamp) => JournalBody): JournalEntry {
    const sequence = this.#tree.size + 1;
    const at = this.#clock.now();
    if (at !== this.#stampedAt) {
      this.#stampedAt = at;
      this.#timestamp = new Date(at).toISOString();
    }
    const body = bodyOf({ timestamp: this.#timestamp, registry_node: this.#node, sequence });
    const text = canonicalJson(body);
    return { sequence, at, stream, kind: body.event_type, body: text, leafHash: leafHash(text) };
  }

  #takeOff(): void {
    const batch = this.#waiting;
    if (batch.length === 0 || this.#gathering !== undefined) return;
    const nodes = this.#nodes;
    this.#waiting = [];
    this.#nodes = [];
    const flight = this.#fly(batch, nodes).finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
  }

  async #fly(batch: readonly Waiting[], nodes: readonly MerkleNode[]): Promise<void> {
    const head = headOf(this.#tree);
    const tree = this.#tree.state();
    try {
      const entries = batch.map(({ entry }) => entry);
      const companions = batch.flatMap(({ companion }) => companion ?? []);
      await this.#store.append({ entries, companions, tree, nodes });
      this.#head = head;
      for (const { entry, stored } of batch) stored.resolve(entry);
    } catch (error) {
      this.#recover();
      for (const { stored } of batch) stored.reject(error);
    }
  }

  /** The store refuses what was queued behind a failed batch, so that its own state says where to go on. */
  #recover(): void {
    if (this.#recovery !== undefined) return;
    this.#recovery = this.#readBack().finally(() => {
      this.#recovery = undefined;
    });
    // Whoever appends next sees the rejection; without such a caller it is nobody's.
    this.#recovery.catch(() => undefined);
  }

  async #readBack(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#nodes = [];
    this.#losses += 1;
    for (const { stored } of waiting) stored.reject(lost());
    await Promise.allSettled(this.#flights);
    this.#tree = MerkleTree.restore(await this.#store.tree());
    this.#head = headOf(this.#tree);
  }
}

function lost(): RampartError {
  return new RampartError('STORAGE_FAILED', 'the journal could not store the records before this one');
}

/** There is one for each batch, and nearly nobody asks for its root, which costs as much as several entries. */
function headOf(tree: MerkleTree): JournalHead {
  const { size, rootOf } = tree.snapshot();
  let root: string | undefined;
  return {
    size,
    get root() {
      return (root ??= rootOf());
    },
  };
}
