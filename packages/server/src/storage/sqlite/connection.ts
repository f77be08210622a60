import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';

const CACHED_STATEMENTS = 256;
const BUSY_TIMEOUT_MS = 5000;
/** Where the thread that checkpoints does not keep up, each commit does it. */
const LONGEST_LOG_PAGES = 16_000;

interface PreparedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/** One SQLite connection with its prepared statements, in the shape Kysely drives. */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(file: string) {
    this.#database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    // What was overwritten or deleted is zeroed where that costs no further writing: secrets that are sealed now stood there once.
    this.#database.exec('PRAGMA secure_delete = FAST');
    // NORMAL leaves it to `WriteAheadLog` to sync the log after each commit, before anybody is told of it.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY');
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${LONGEST_LOG_PAGES}`);
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#execute<Row>(query);
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const { statement } = this.#prepare(query.sql);
    for (const row of statement.iterate(...inputs(query.parameters))) {
      yield { rows: [row as Row] };
    }
  }

  /** Runs a statement of the adapter itself (BEGIN, COMMIT, SAVEPOINT…). */
  run(sql: string): void {
    this.#prepare(sql).statement.run();
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #execute<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, returnsRows } = this.#prepare(query.sql);
    const parameters = inputs(query.parameters);
    if (returnsRows) {
      return { rows: statement.all(...parameters) as Row[] };
    }
    const outcome = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(outcome.changes), insertId: BigInt(outcome.lastInsertRowid) };
  }

  #prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      return known;
    }
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    const oldest = this.#statements.keys().next();
    if (this.#statements.size >= CACHED_STATEMENTS && oldest.done !== true) {
      this.#statements.delete(oldest.value);
    }
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

function inputs(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue)));
}
