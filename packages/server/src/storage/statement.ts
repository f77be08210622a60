import { RampartError } from '@rampart/core';
import type { CompiledQuery, QueryResult } from 'kysely';

/** What runs compiled queries: the database, or a transaction of it. */
export interface Executor {
  executeQuery<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>;
}

/** A statement that is ready to be run wherever its write is committed. What it selects, nobody sees. */
export interface Statement {
  readonly query: CompiledQuery;
  readonly parameters: readonly unknown[];
  readonly mustChange?: ExpectedChange;
}

/** How many rows a statement must change; its write fails with that text when it changes another number. */
export interface ExpectedChange {
  readonly rows: number;
  readonly otherwise: string;
}

/** Runs statements one after the other. Throws `RampartError` STORAGE_FAILED for an expectation that was not met, and what the engine throws. */
export async function runStatements(executor: Executor, statements: readonly Statement[]): Promise<void> {
  for (const { query, parameters, mustChange } of statements) {
    const { numAffectedRows } = await executor.executeQuery({ ...query, parameters });
    if (mustChange !== undefined && Number(numAffectedRows) !== mustChange.rows)
      throw new RampartError('STORAGE_FAILED', mustChange.otherwise);
  }
}

/** What stores hand each other as `within` of a companion: the statements of the write that it is part of, to add its own. */
export function statementsWithin(within: unknown): Statement[] {
  return within as Statement[];
}
