import { chmodSync, closeSync, openSync } from 'node:fs';
import { SqliteConnection } from './connection.ts';

const OWNER_ONLY = 0o600;

/**
 * A few connections to one file: while a transaction holds one, reads go on beside it and see the last commit.
 * There is one writer at a time (the group writer), so connections never wait for each other's write lock.
 */
export class SqliteConnectionPool {
  readonly #all: SqliteConnection[];
  readonly #free: SqliteConnection[];
  readonly #waiting: ((connection: SqliteConnection) => void)[] = [];

  constructor(file: string, size: number) {
    this.#all = [];
    try {
      keepPrivate(file);
      for (let index = 0; index < size; index += 1) {
        this.#all.push(new SqliteConnection(file));
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.#free = [...this.#all];
  }

  acquire(): Promise<SqliteConnection> {
    const connection = this.#free.pop();
    if (connection !== undefined) {
      return Promise.resolve(connection);
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  release(connection: SqliteConnection): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#free.push(connection);
    } else {
      next(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) {
      connection.close();
    }
    this.#all.length = 0;
  }
}

/** Nobody else of the machine reads a database, nor its log, which SQLite makes with the mode of the database. */
function keepPrivate(file: string): void {
  try {
    chmodSync(file, OWNER_ONLY);
  } catch (error) {
    // One that is there is never opened and closed beside SQLite, whose locks would end with that.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      closeSync(openSync(file, 'ax', OWNER_ONLY));
  }
}
