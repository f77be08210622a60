import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import { DatabaseFile, inputs } from './database-file.ts';

/** One SQLite connection in the shape Kysely drives. */
export class SqliteConnection implements DatabaseConnection {
  readonly #file: DatabaseFile;

  constructor(file: string) {
    this.#file = new DatabaseFile(file, 'NORMAL');
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#execute<Row>(query);
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const { statement, columns } = this.#file.prepare(query.sql);
    for (const values of statement.iterate(...inputs(query.parameters))) {
      yield { rows: [rowOf(columns, values) as Row] };
    }
  }

  /** Runs a statement of the adapter itself (BEGIN, COMMIT, SAVEPOINT…). */
  run(sql: string): void {
    this.#file.run(sql);
  }

  rollBack(): void {
    this.#file.rollBack();
  }

  close(): void {
    this.#file.close();
  }

  #execute<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, columns } = this.#file.prepare(query.sql);
    const parameters = inputs(query.parameters);
    if (columns.length > 0) {
      return { rows: statement.all(...parameters).map((values) => rowOf(columns, values) as Row) };
    }
    const outcome = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(outcome.changes), insertId: BigInt(outcome.lastInsertRowid) };
  }
}

/** Objects that the engine makes are dictionaries, which take longer to make and to read than those of one shape. */
function rowOf(columns: readonly string[], values: unknown): unknown {
  const row: Record<string, unknown> = {};
  let at = 0;
  for (const column of columns) {
    row[column] = (values as readonly unknown[])[at];
    at += 1;
  }
  return row;
}
