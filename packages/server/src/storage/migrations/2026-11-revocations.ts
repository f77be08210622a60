import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What was revoked by rule, who is barred, and which rule revoked a certificate. */
export function revocations(): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      await schema
        .createTable('revocations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('position', 'bigint', (column) => column.notNull().unique())
        .addColumn('act', 'text', (column) => column.notNull())
        .execute();
      await schema.alterTable('certificates').addColumn('revocation_rule', 'text').execute();
    },
  };
}
