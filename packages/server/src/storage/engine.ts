import type { Clock } from '@rampart/core';
import type { ColumnDataType, Dialect, RawBuilder } from 'kysely';
import type { AuditSql } from './audit-sql.ts';
import type { CommitLog } from './commit-log.ts';
import type { Committer } from './committer.ts';
import type { Executor } from './statement.ts';

/** Runs compiled SELECTs at once, on what was committed last: on its way through Kysely a look-up of one row takes longer than in the engine. */
export interface Reader extends Executor {
  close(): void;
}

/** What a database engine brings: everything else in storage is the same for all of them. */
export interface StorageEngine {
  readonly name: string;
  readonly dialect: Dialect;
  /** Of the database, once it is open. */
  commitLog(): CommitLog;
  /** Of the same. */
  committer(): Committer;
  /** Of the same. */
  reader(): Reader;
  /** Column type of a byte string. */
  readonly bytesType: ColumnDataType;
  /** The text in a field of a column of JSON text, as an expression that an index can be on. */
  jsonText(column: string, field: string): RawBuilder<string>;
  /** Answers questions about the audit record in SQL, beside everything else. */
  auditSql(clock: Clock): AuditSql;
}
