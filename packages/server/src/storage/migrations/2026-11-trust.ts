import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StorageEngine } from '../engine.ts';

/** Keys of JWT-SVIDs, bundles of federated trust domains, short-lived tokens of the API. */
export function trust({ bytesType }: Pick<StorageEngine, 'bytesType'>): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      await schema
        .createTable('jwt_keys')
        .addColumn('key_id', 'text', (column) => column.primaryKey())
        .addColumn('position', 'bigint', (column) => column.notNull().unique())
        .addColumn('key_name', 'text', (column) => column.notNull())
        .addColumn('public_key', bytesType, (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('active_from', 'bigint', (column) => column.notNull())
        .addColumn('not_after', 'bigint', (column) => column.notNull())
        .addColumn('retired_at', 'bigint')
        .execute();
      await schema
        .createTable('federated_bundles')
        .addColumn('trust_domain', 'text', (column) => column.primaryKey())
        .addColumn('document', 'text', (column) => column.notNull())
        .addColumn('bootstrap_hash', 'text', (column) => column.notNull())
        .addColumn('fetched_at', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('api_tokens')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('token_hash', 'text', (column) => column.notNull().unique())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('created_by', 'text', (column) => column.notNull())
        .execute();
    },
  };
}
