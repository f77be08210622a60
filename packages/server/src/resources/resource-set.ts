import type { Change } from '../changes/change.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { type FormedResource, formedOf } from './formed-resource.ts';
import type { ChangedResource, ResourceStore, RevisionEntry, StoredResourceRecord } from './store.ts';

/** A resource that is in force. */
export interface HeldResource extends FormedResource {
  /** Revision that brought its present form. */
  readonly revision: number;
}

/** Resources that enter and leave together, and on whose account. */
export interface ResourceChange {
  readonly put: readonly FormedResource[];
  /** Keys. */
  readonly remove: readonly string[];
  readonly by: ChangeAccount;
}

/** What history keeps of a change beside its resources. */
export interface ChangeAccount extends Pick<RevisionEntry, 'actor' | 'action'> {
  /** Unix milliseconds. */
  readonly at: number;
  /** Revision that is brought back; 0 unless the action is a rollback. */
  readonly restored?: number;
}

/** The whole set of resources, in memory and in the database; each change is made whole, and has one revision. */
export class ResourceSet {
  readonly #store: ResourceStore;
  readonly #feed: ChangeFeed;
  readonly #held: Map<string, HeldResource>;

  private constructor(store: ResourceStore, feed: ChangeFeed, held: Map<string, HeldResource>) {
    this.#store = store;
    this.#feed = feed;
    this.#held = held;
  }

  /** @throws RampartError STORAGE_FAILED when a stored resource cannot be read: leaving a policy out would widen access. */
  static async open(store: ResourceStore, feed: ChangeFeed): Promise<ResourceSet> {
    const records = await store.all();
    return new ResourceSet(store, feed, new Map(records.map((record) => [record.key, heldOf(record)])));
  }

  /** Revision of the mesh, changes that are not of resources included. */
  get revision(): number {
    return this.#feed.revision;
  }

  get(key: string): HeldResource | undefined {
    return this.#held.get(key);
  }

  /** In the order of their keys. */
  all(): readonly HeldResource[] {
    return [...this.#held.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Resolves with the revision from which the change is in force, once it is durable. */
  async change({ put, remove, by }: ResourceChange): Promise<number> {
    const ticket = this.#feed.reserve();
    const { revision } = ticket;
    const held = put.map((each): HeldResource => ({ ...each, revision }));
    const gone = remove.map((key) => this.#held.get(key)).filter((found) => found !== undefined);
    const changes: readonly ChangedResource[] = [
      ...held.map(({ key }) => ({
        key,
        outcome: this.#held.has(key) ? ('configured' as const) : ('created' as const),
      })),
      ...gone.map(({ key }) => ({ key, outcome: 'deleted' as const })),
    ];
    try {
      await this.#store.change({ put: held.map(recordOf), remove, entry: { restored: 0, ...by, revision, changes } });
    } catch (error) {
      ticket.abandon();
      throw error;
    }
    ticket.settle([...held, ...gone].map(changeOf), () => {
      for (const resource of held) {
        this.#held.set(resource.key, resource);
      }
      for (const { key } of gone) {
        this.#held.delete(key);
      }
    });
    return revision;
  }

  /** The newest changes first. */
  history(limit: number): Promise<readonly RevisionEntry[]> {
    return this.#store.revisions(limit);
  }

  /** The oldest revision that can be brought back. */
  oldest(): Promise<number> {
    return this.#store.oldest();
  }

  /** Canonical JSON of what there was at a revision; 'compacted' when that is no longer known. */
  at(revision: number): ReturnType<ResourceStore['at']> {
    return this.#store.at(revision);
  }
}

function recordOf({ key, json, createdAt, revision }: HeldResource): StoredResourceRecord {
  return { key, json, createdAt, revision };
}

function heldOf(record: StoredResourceRecord): HeldResource {
  return { ...formedOf(record), revision: record.revision };
}

function changeOf({ key, resource }: HeldResource): Change {
  return { kind: 'resource', key, namespace: resource.metadata.namespace };
}
