import type { ResourceStore } from '../../resources/store.ts';
import type { Database } from '../database.ts';

/** The resources in the database. */
export function createResourceStore({ reads, writer }: Database): ResourceStore {
  return {
    all: () => reads.selectFrom('resources').select(['key', 'json', 'created_at as createdAt', 'revision']).execute(),
    change: ({ put, remove }) =>
      writer.write(async (transaction) => {
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
      }),
  };
}
