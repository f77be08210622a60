import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Who was let in to stand behind which service, who was not, and who waits. */
export function registryApprovals(): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      await schema
        .createTable('registry_approvals')
        .addColumn('namespace', 'text', (column) => column.notNull())
        .addColumn('service', 'text', (column) => column.notNull())
        .addColumn('identity', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('requested_at', 'bigint', (column) => column.notNull())
        .addColumn('host', 'text', (column) => column.notNull())
        .addColumn('port', 'integer', (column) => column.notNull())
        .addColumn('source_ip', 'text', (column) => column.notNull())
        .addColumn('decided_at', 'bigint')
        .addColumn('decided_by', 'text')
        .addPrimaryKeyConstraint('registry_approvals_key', ['namespace', 'service', 'identity'])
        .execute();
    },
  };
}
