import type { RampartError, Result } from '@rampart/core';

export type SqlValue = string | number | null;

/** What a query over the audit record gave. */
export interface SqlRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** There were more. */
  readonly isCut: boolean;
}

/** What a query is asked with. */
export interface AuditQuestion {
  /** One SELECT in the SQL of PostgreSQL, over the tables `audit_logs` and `allowed_services`. */
  readonly sql: string;
  /** What NOW() is, Unix milliseconds. */
  readonly now: number;
  /** Names in `allowed_services`. */
  readonly allowedServices: readonly string[];
}

/**
 * Answers questions about the audit record in SQL. It can neither change anything nor read anything else, and a question that
 * takes too long is ended without holding up anybody.
 */
export interface AuditSql {
  /** INVALID_ARGUMENT says what is wrong with the question, and where. */
  ask(question: AuditQuestion): Promise<Result<SqlRows, RampartError>>;
}
