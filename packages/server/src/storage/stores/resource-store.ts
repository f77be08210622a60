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

async function replace(transaction: Transaction<Tables>, { put, remove }: StoredChange): Promise<void> {
  for (const { key, createdAt, ...value } of put) {
    await transaction
      .insertInto('resources')
      .values({ key, created_at: createdAt, ...value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(value))
      .execute();
  }
  for (const key of remove) {
    await transaction.deleteFrom('resources').where('key', '=', key).execute();
  }
}
