import { RampartError } from '@rampart/core';
import type { ControlledTransaction, Kysely, Transaction } from 'kysely';
import type { CommitLog } from './commit-log.ts';

/** One write: it must only wait for the transaction it is given. */
export type Write<Tables, T> = (transaction: Transaction<Tables>) => Promise<T>;

interface PendingWrite<Tables> {
  /** Runs the write; the function it answers with settles the caller once the commit is known. */
  run(transaction: Transaction<Tables>): Promise<() => void>;
  reject(error: unknown): void;
}

const LARGEST_GROUP = 512;

/**
 * Commits writes that arrive together in one transaction, because one sync to disk costs more than a hundred inserts.
 * A caller's promise settles once the commit is on the disk; a write that fails is undone alone and fails only its own caller.
 * Writes run in the order in which they were asked for. When the disk does not take a commit, nothing more is written: what it
 * holds would be anybody's guess.
 */
export class GroupWriter<Tables> {
  readonly #database: Kysely<Tables>;
  readonly #log: CommitLog;
  readonly #pending: PendingWrite<Tables>[] = [];
  #scheduled: Promise<void> | undefined;
  #closed = false;
  #isLost = false;
  #commits = 0;

  constructor(database: Kysely<Tables>, log: CommitLog) {
    this.#database = database;
    this.#log = log;
  }

  /** Transactions committed so far. */
  get commits(): number {
    return this.#commits;
  }

  write<T>(write: Write<Tables, T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new RampartError('STORAGE_FAILED', 'the database is closing: nothing more is written'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#pending.push({
      run: async (transaction) => {
        const value = await write(transaction);
        return () => resolve(value);
      },
      reject,
    });
    this.#scheduled ??= this.#drain();
    return promise;
  }

  /** Refuses further writes and waits for those that were asked for. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#scheduled;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      await endOfTurn();
      await this.#commit(this.#pending.splice(0, LARGEST_GROUP));
      await this.#log.tidy();
    }
    this.#scheduled = undefined;
  }

  async #commit(group: readonly PendingWrite<Tables>[]): Promise<void> {
    try {
      if (this.#isLost) throw lost();
      const settle = await this.#inTransaction(group);
      await this.#sync();
      this.#commits += 1;
      for (const done of settle) {
        done();
      }
    } catch (cause) {
      const error = ownFailure(cause);
      for (const { reject } of group) {
        reject(error);
      }
    }
  }

  async #sync(): Promise<void> {
    try {
      await this.#log.sync();
    } catch (cause) {
      this.#isLost = true;
      throw lost(cause);
    }
  }

  async #inTransaction(group: readonly PendingWrite<Tables>[]): Promise<(() => void)[]> {
    const transaction = await this.#database.startTransaction().execute();
    try {
      const settle: (() => void)[] = [];
      for (const pending of group) {
        settle.push(await runAlone(transaction, pending));
      }
      await transaction.commit().execute();
      return settle;
    } catch (error) {
      await transaction
        .rollback()
        .execute()
        .catch(() => undefined);
      throw error;
    }
  }
}

async function runAlone<Tables>(
  transaction: ControlledTransaction<Tables>,
  pending: PendingWrite<Tables>,
): Promise<() => void> {
  const guarded = await transaction.savepoint('write').execute();
  try {
    const settle = await pending.run(transaction);
    await guarded.releaseSavepoint('write').execute();
    return settle;
  } catch (error) {
    await guarded.rollbackToSavepoint('write').execute();
    await guarded.releaseSavepoint('write').execute();
    return () => pending.reject(ownFailure(error));
  }
}

function ownFailure(error: unknown): RampartError {
  return error instanceof RampartError ? error : storageFailure(error);
}

function lost(cause?: unknown): RampartError {
  return new RampartError(
    'STORAGE_FAILED',
    'the disk did not take what was written: nothing more is until the control plane is started again; look after the disk first',
    { cause },
  );
}

function storageFailure(cause: unknown): RampartError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new RampartError('STORAGE_FAILED', 'the control plane could not write to its database; see its log', {
    cause,
    detail,
  });
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
