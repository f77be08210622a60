import type { ResourceStore, StoredChange } from '../../resources/store.ts';
import type { Database } from '../database.ts';
import { addToHistory, historyFloor, resourcesAt, revisionEntries } from './resource-history.ts';
import type { Transaction } from 'kysely';
import type { Tables } from '../tables.ts';

const KEPT_REVISIONS = 1000;

export interface ResourceStoreOptions {
  /** Revisions whose resources can be brought back. */
  readonly keep?: number;
}

/** The resources in the database, and their history. */
export function createResourceStore({ reads, writer }: Database, options: ResourceStoreOptions = {}): ResourceStore {
  const keep = options.keep ?? KEPT_REVISIONS;
  return {
    all: () => reads.selectFrom('resources').select(['key', 'json', 'created_at as createdAt', 'revision']).execute(),
    change: (change) =>
      writer.write(async (transaction) => {
        await replace(transaction, change);
        await addToHistory(transaction, change, keep);
      }),
    revisions: (limit) => revisionEntries(reads, limit),
    oldest: () => historyFloor(reads),
    at: async (revision) => (revision < (await historyFloor(reads)) ? 'compacted' : resourcesAt(reads, revision)),
  };
}

/** Engines bound the number of values in one statement. */
const ROWS_AT_ONCE = 200;

async function replace(transaction: Transaction<Tables>, { put, remove }: StoredChange): Promise<void> {
  for (let first = 0; first < put.length; first += ROWS_AT_ONCE) {
    const rows = put.slice(first, first + ROWS_AT_ONCE).map(({ key, json, createdAt, revision }) => ({
      key,
      json,
      created_at: createdAt,
      revision,
    }));
    await transaction
      .insertInto('resources')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .column('key')
          .doUpdateSet(({ ref }) => ({ json: ref('excluded.json'), revision: ref('excluded.revision') })),
      )
      .execute();
  }
  for (let first = 0; first < remove.length; first += ROWS_AT_ONCE) {
    await transaction
      .deleteFrom('resources')
      .where('key', 'in', remove.slice(first, first + ROWS_AT_ONCE))
      .execute();
  }
}
