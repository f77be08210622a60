import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

const CACHED_STATEMENTS = 256;
const BUSY_TIMEOUT_MS = 5000;
/** Where the thread that checkpoints does not keep up, each commit does it. */
const LONGEST_LOG_PAGES = 16_000;

interface PreparedStatement {
  readonly statement: StatementSync;
  /** Of the rows that it answers with, each an array of values; none for a statement without rows. */
  readonly columns: readonly string[];
}

/** What may change the columns of statements that are prepared. */
const CHANGES_TABLES = /^\s*(?:alter|create|drop)\b/i;

/**
 * When a commit is on the disk: `FULL` before it is over, so that it survives a power cut; `NORMAL` when `WriteAheadLog` has synced the log
 * after it, and nobody may be told of it before.
 */
export type Synchronous = 'FULL' | 'NORMAL';

/** A database file that is open, with the statements that were prepared on it. */
export class DatabaseFile {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(file: string, synchronous: Synchronous) {
    this.#database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    // What was overwritten or deleted is zeroed where that costs no further writing: secrets that are sealed now stood there once.
    this.#database.exec('PRAGMA secure_delete = FAST');
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA temp_store = MEMORY`);
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${LONGEST_LOG_PAGES}`);
  }

  prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      return known;
    }
    if (CHANGES_TABLES.test(sql)) this.#statements.clear();
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, columns: statement.columns().map(({ name }) => name) };
    const oldest = this.#statements.keys().next();
    if (this.#statements.size >= CACHED_STATEMENTS && oldest.done !== true) {
      this.#statements.delete(oldest.value);
    }
    this.#statements.set(sql, prepared);
    return prepared;
  }

  /** Runs a statement without parameters (BEGIN, COMMIT, SAVEPOINT…). */
  run(sql: string): void {
    this.prepare(sql).statement.run();
  }

  /** Takes back what was begun; the engine itself does so where the disk is full or broken, and its reason is to be heard. */
  rollBack(): void {
    if (this.#database.isTransaction) this.run('ROLLBACK');
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** Parameters as SQLite takes them. */
export function inputs(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue)));
}
