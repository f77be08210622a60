import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The tables that this migration reads and fills, as they are then. */
interface Then {
  readonly counters: { name: string; value: number };
  readonly resources: { key: string; json: string; revision: number };
  readonly resource_history: { key: string; revision: number; json: string | null };
}

/** Which resources there were at each revision, and who changed them. */
export function resourceHistory(): Migration {
  return {
    async up(database: Kysely<Then>): Promise<void> {
      await createTables(database);
      await beginWithPresent(database);
    },
  };
}

async function createTables({ schema }: Kysely<Then>): Promise<void> {
  await schema
    .createTable('resource_revisions')
    .addColumn('revision', 'bigint', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('restored', 'bigint', (column) => column.notNull())
    .addColumn('changes', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('resource_history')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('json', 'text')
    .addPrimaryKeyConstraint('resource_history_once', ['key', 'revision'])
    .execute();
  await schema.createIndex('resource_history_by_revision').on('resource_history').column('revision').execute();
}

/** What was deleted before is not known: history begins with the present set, at the last revision that was given out. */
async function beginWithPresent(database: Kysely<Then>): Promise<void> {
  const present = database.selectFrom('resources').select(['key', 'revision', 'json']);
  await database.insertInto('resource_history').columns(['key', 'revision', 'json']).expression(present).execute();
  const given = await database.selectFrom('counters').select('value').where('name', '=', 'revision').executeTakeFirst();
  await database
    .insertInto('counters')
    .values({ name: 'resource_history_floor', value: given?.value ?? 0 })
    .execute();
}
