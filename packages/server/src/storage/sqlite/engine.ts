import { sql } from 'kysely';
import type { StorageEngine } from '../engine.ts';
import { createSqliteAuditSql } from './audit-sql/audit-sql.ts';
import { SqliteConnection } from './connection.ts';
import { ThreadCommitter } from './commit-thread/thread-committer.ts';
import { SqliteDialect } from './dialect.ts';
import { WriteAheadLog } from './write-ahead-log/write-ahead-log.ts';

/** The embedded default: one file, built into Node, nothing to install. */
export function sqliteEngine(file: string): StorageEngine {
  return {
    name: 'sqlite',
    dialect: new SqliteDialect(file),
    commitLog: () => new WriteAheadLog(file),
    committer: () => new ThreadCommitter(file),
    reader: () => new SqliteConnection(file),
    bytesType: 'blob',
    // An index is only used for the very same expression, so that the field must stand in the text of the query.
    jsonText: (column, field) => sql<string>`json_extract(${sql.ref(column)}, ${sql.lit(`$.${field}`)})`,
    auditSql: (clock) => createSqliteAuditSql(file, clock),
  };
}
