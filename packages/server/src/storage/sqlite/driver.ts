import { RampartError } from '@rampart/core';
import type { DatabaseConnection, Driver, TransactionSettings } from 'kysely';
import { SqliteConnectionPool } from './connection-pool.ts';
import { SqliteConnection } from './connection.ts';

const CONNECTIONS = 2;

/** Kysely's driver over SQLite as it is built into Node. */
export class SqliteDriver implements Driver {
  readonly #file: string;
  #pool: SqliteConnectionPool | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {
    this.#pool = new SqliteConnectionPool(this.#file, CONNECTIONS);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#opened().acquire();
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.#opened().release(own(connection));
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    // IMMEDIATE takes the write lock at once: a transaction that starts by reading cannot fail half-way on upgrading it.
    own(connection).run(settings.accessMode === 'read only' ? 'BEGIN' : 'BEGIN IMMEDIATE');
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    own(connection).run('COMMIT');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    own(connection).rollBack();
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    own(connection).run(`SAVEPOINT ${quoted(name)}`);
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    own(connection).run(`ROLLBACK TO ${quoted(name)}`);
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    own(connection).run(`RELEASE ${quoted(name)}`);
  }

  async destroy(): Promise<void> {
    this.#pool?.close();
    this.#pool = undefined;
  }

  #opened(): SqliteConnectionPool {
    if (this.#pool === undefined) {
      throw new RampartError('STORAGE_FAILED', 'the database is closed');
    }
    return this.#pool;
  }
}

function own(connection: DatabaseConnection): SqliteConnection {
  if (connection instanceof SqliteConnection) {
    return connection;
  }
  throw new RampartError('INTERNAL', 'BUG: a connection of another driver');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
