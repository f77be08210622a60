import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Records by kind, without those that have expired: they are many, and nobody looks for them. */
export function unexpiredRecords(): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      await database.schema.dropIndex('journal_entries_by_kind').execute();
      await sql`create index journal_entries_by_kind on journal_entries (stream, kind, sequence) where body <> ''`.execute(
        database,
      );
    },
  };
}
