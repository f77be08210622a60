import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StorageEngine } from '../engine.ts';

/** Everything the control plane kept in its first version. */
export function firstTables({ bytesType }: Pick<StorageEngine, 'bytesType'>): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      await createCounters(database);
      await createJournal(database);
      await createAuthority(database, bytesType);
      await createMesh(database);
      await createTelemetry(database, bytesType);
    },
  };
}

async function createCounters({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('counters')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('admin_tokens')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function createJournal({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('journal_entries')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('stream', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('leaf_hash', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('journal_entries_by_kind')
    .on('journal_entries')
    .columns(['stream', 'kind', 'sequence'])
    .execute();
  await schema
    .createTable('journal_trees')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('peaks', 'text', (column) => column.notNull())
    .execute();
}

async function createAuthority({ schema }: Kysely<unknown>, bytesType: StorageEngine['bytesType']): Promise<void> {
  await schema
    .createTable('ca_certificates')
    .addColumn('serial', 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('key_name', 'text', (column) => column.notNull())
    .addColumn('der', bytesType, (column) => column.notNull())
    .addColumn('not_before', 'bigint', (column) => column.notNull())
    .addColumn('not_after', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('join_tokens')
    .addColumn('token_hash', 'text', (column) => column.primaryKey())
    .addColumn('workload', 'text', (column) => column.notNull())
    .addColumn('spiffe_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await schema
    .createTable('certificates')
    .addColumn('serial', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('spiffe_id', 'text', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('not_before', 'bigint', (column) => column.notNull())
    .addColumn('not_after', 'bigint', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('workload', 'text')
    .addColumn('revoked_at', 'bigint')
    .addColumn('revocation_reason', 'text')
    .addColumn('revoked_by', 'text')
    .execute();
  await schema.createIndex('certificates_by_sequence').on('certificates').column('sequence').execute();
  await schema.createIndex('certificates_by_identity').on('certificates').columns(['spiffe_id', 'sequence']).execute();
  await schema.createIndex('certificates_by_revocation').on('certificates').column('revoked_at').execute();
}

async function createMesh({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('instances')
    .addColumn('instance_id', 'text', (column) => column.primaryKey())
    .addColumn('service', 'text', (column) => column.notNull())
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('identity', 'text', (column) => column.notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('port', 'integer', (column) => column.notNull())
    .addColumn('protocol', 'text', (column) => column.notNull())
    .addColumn('labels', 'text', (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('resources')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('json', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute();
}

async function createTelemetry({ schema }: Kysely<unknown>, bytesType: StorageEngine['bytesType']): Promise<void> {
  await schema
    .createTable('access_log_batches')
    .addColumn('position', 'bigint', (column) => column.primaryKey())
    .addColumn('spiffe_id', 'text', (column) => column.notNull())
    .addColumn('reporter', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('received_at', 'bigint', (column) => column.notNull())
    .addColumn('record_count', 'integer', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('records', bytesType, (column) => column.notNull())
    .addColumn('connections', 'text', (column) => column.notNull())
    // The identity is part of the key: no workload can use up the sequence numbers of another one's spool.
    .addUniqueConstraint('access_log_batches_once', ['spiffe_id', 'reporter', 'sequence'])
    .execute();
}
