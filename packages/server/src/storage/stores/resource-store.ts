import type { Kysely } from 'kysely';
import type { ResourceStore, StoredChange } from '../../resources/store.ts';
import type { Database } from '../database.ts';
import { insertion } from '../precompiled.ts';
import type { Statement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { compact, historyFloor, historyOf, resourcesAt, revisionEntries } from './resource-history.ts';

const KEPT_REVISIONS = 1000;

export interface ResourceStoreOptions {
  /** Revisions whose resources can be brought back. */
  readonly keep?: number;
}

/** The resources in the database, and their history. */
export function createResourceStore({ reads, writer }: Database, options: ResourceStoreOptions = {}): ResourceStore {
  const keep = options.keep ?? KEPT_REVISIONS;
  const replacing = replacement(reads);
  const remembering = historyOf(reads);
  return {
    all: () => reads.selectFrom('resources').select(['key', 'json', 'created_at as createdAt', 'revision']).execute(),
    change: async (change) => {
      await writer.store(() => [...replacing(change), ...remembering(change)]);
      // The change is durable, whatever becomes of this: what is too old then goes with a later one.
      await compact({ reads, writer }, keep).catch(() => undefined);
    },
    revisions: (limit) => revisionEntries(reads, limit),
    oldest: () => historyFloor(reads),
    at: async (revision) => (revision < (await historyFloor(reads)) ? 'compacted' : resourcesAt(reads, revision)),
  };
}

/** What puts a change into force. */
function replacement(database: Kysely<Tables>): (change: StoredChange) => readonly Statement[] {
  const put = insertion(database, 'resources', (insert) =>
    insert.onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet(({ ref }) => ({ json: ref('excluded.json'), revision: ref('excluded.revision') })),
    ),
  );
  const remove = database.deleteFrom('resources').where('key', '=', '').compile();
  return (change) => [
    ...put(change.put.map(({ key, json, createdAt, revision }) => ({ key, json, created_at: createdAt, revision }))),
    ...change.remove.map((key) => ({ query: remove, parameters: [key] })),
  ];
}
