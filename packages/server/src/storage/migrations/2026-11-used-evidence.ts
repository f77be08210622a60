import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What was presented once and counts no more, and by what the holder of each certificate was attested. */
export function usedEvidence(): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      await schema
        .createTable('used_evidence')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('until', 'bigint', (column) => column.notNull())
        .execute();
      await schema.createIndex('used_evidence_by_end').on('used_evidence').column('until').execute();
      await schema.alterTable('certificates').addColumn('entry_id', 'text').execute();
      await schema.alterTable('certificates').addColumn('attestation', 'text').execute();
    },
  };
}
