import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Revoked certificates in the order of the ledger, to be read in parts; what is not revoked costs nothing there. */
export function revokedCertificates(): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      await database.schema.dropIndex('certificates_by_revocation').execute();
      await sql`create index certificates_revoked on certificates (sequence) where revoked_at is not null`.execute(
        database,
      );
    },
  };
}
