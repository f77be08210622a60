import { RampartError } from '@rampart/core';
import type { ControlledTransaction, Kysely, Transaction } from 'kysely';
import type { CommitLog } from './commit-log.ts';
import type { Committer, WriteOutcome } from './committer.ts';
import { runStatements, type Statement } from './statement.ts';

/** One write: it must only wait for the transaction it is given. */
export type Write<Tables, T> = (transaction: Transaction<Tables>) => Promise<T>;

/** Makes the statements of a write when its turn has come: what is asked for until then can be part of it. */
export type StatementsOf = () => readonly Statement[] | Promise<readonly Statement[]>;

interface FreeWrite<Tables> {
  readonly kind: 'free';
  /** Runs the write; the function it answers with settles the caller once the commit is known. */
  run(transaction: Transaction<Tables>): Promise<() => void>;
  reject(error: unknown): void;
}

interface StoringWrite {
  readonly kind: 'storing';
  readonly statements: StatementsOf;
  resolve(): void;
  reject(error: unknown): void;
}

type PendingWrite<Tables> = FreeWrite<Tables> | StoringWrite;

interface ReadyWrite {
  readonly pending: StoringWrite;
  readonly statements: readonly Statement[];
}

/** What commits, and what makes commits last. */
export interface GroupWriterParts {
  readonly log: CommitLog;
  readonly committer: Committer;
}

const LARGEST_GROUP = 512;
/** Parameters of a group from which on it is worth a thread; fewer are written sooner than a thread hears of them. */
const MANY_PARAMETERS = 256;

/**
 * Commits writes that arrive together in one transaction, because one sync to disk costs more than a hundred inserts.
 * A caller's promise settles once the commit is on the disk; a write that fails is undone alone and fails only its own caller.
 * Writes run in the order in which they were asked for. When the disk does not take a commit, nothing more is written: what it
 * holds would be anybody's guess.
 *
 * Once there are large groups of nothing but statements, a thread commits those, so that whoever calls meanwhile is heard.
 */
export class GroupWriter<Tables> {
  readonly #database: Kysely<Tables>;
  readonly #parts: GroupWriterParts;
  readonly #pending: PendingWrite<Tables>[] = [];
  #scheduled: Promise<void> | undefined;
  #closed = false;
  #isLost = false;
  #isBusy = false;
  #commits = 0;

  constructor(database: Kysely<Tables>, parts: GroupWriterParts) {
    this.#database = database;
    this.#parts = parts;
  }

  /** Transactions committed so far. */
  get commits(): number {
    return this.#commits;
  }

  write<T>(write: Write<Tables, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    return this.#ask(promise, {
      kind: 'free',
      run: async (transaction) => {
        const value = await write(transaction);
        return () => resolve(value);
      },
      reject,
    });
  }

  /** The same for a write that need not see what is stored. */
  store(statements: StatementsOf): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return this.#ask(promise, { kind: 'storing', statements, resolve, reject });
  }

  /** Refuses further writes and waits for those that were asked for. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#scheduled;
  }

  #ask<T>(promise: Promise<T>, pending: PendingWrite<Tables>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new RampartError('STORAGE_FAILED', 'the database is closing: nothing more is written'));
    }
    this.#pending.push(pending);
    this.#scheduled ??= this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      await endOfTurn();
      await this.#commit(this.#pending.splice(0, LARGEST_GROUP));
      await this.#parts.log.tidy();
    }
    this.#scheduled = undefined;
  }

  async #commit(group: readonly PendingWrite<Tables>[]): Promise<void> {
    try {
      if (this.#isLost) throw lost();
      const settle = group.every(isStoring) ? await this.#store(await ready(group)) : await this.#inTransaction(group);
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

  async #store(group: readonly ReadyWrite[]): Promise<(() => void)[]> {
    this.#isBusy ||= parametersOf(group) >= MANY_PARAMETERS;
    if (!this.#isBusy)
      return this.#inTransaction(
        group.map(({ pending, statements }) => ({ ...pending, statements: () => statements })),
      );
    const outcomes = await this.#beside(group);
    return group.map(({ pending }, index) => settlementOf(pending, outcomes[index] ?? { failed: 'no outcome' }));
  }

  /** Where the thread is gone with the commit, nobody can say whether it took effect: nothing is built on that. */
  async #beside(group: readonly ReadyWrite[]): Promise<readonly WriteOutcome[]> {
    try {
      return await this.#parts.committer.commit(group.map(({ statements }) => statements));
    } catch (cause) {
      if (!(cause instanceof RampartError)) throw cause;
      this.#isLost = true;
      throw lost(cause);
    }
  }

  async #inTransaction(group: readonly PendingWrite<Tables>[]): Promise<(() => void)[]> {
    const transaction = await this.#database.startTransaction().execute();
    const settle: (() => void)[] = [];
    try {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) settle.push(await run(transaction, only));
      else for (const pending of group) settle.push(await runAlone(transaction, pending));
      await transaction.commit().execute();
    } catch (error) {
      await transaction
        .rollback()
        .execute()
        .catch(() => undefined);
      throw error;
    }
    await this.#sync();
    return settle;
  }

  async #sync(): Promise<void> {
    try {
      await this.#parts.log.sync();
    } catch (cause) {
      this.#isLost = true;
      throw lost(cause);
    }
  }
}

/** The writes whose statements are there; the others have failed. */
async function ready(group: readonly StoringWrite[]): Promise<readonly ReadyWrite[]> {
  const writes: ReadyWrite[] = [];
  for (const pending of group) {
    try {
      writes.push({ pending, statements: await pending.statements() });
    } catch (error) {
      pending.reject(ownFailure(error));
    }
  }
  return writes;
}

function parametersOf(group: readonly ReadyWrite[]): number {
  let count = 0;
  for (const { statements } of group) for (const { parameters } of statements) count += parameters.length;
  return count;
}

function settlementOf({ resolve, reject }: StoringWrite, outcome: WriteOutcome): () => void {
  if (outcome === 'done') return resolve;
  const error =
    'refused' in outcome ? new RampartError('STORAGE_FAILED', outcome.refused) : storageFailure(outcome.failed);
  return () => reject(error);
}

function isStoring<Tables>(pending: PendingWrite<Tables>): pending is StoringWrite {
  return pending.kind === 'storing';
}

/** Undone alone when it fails; of a write that nobody shares the transaction with, the transaction itself is. */
async function runAlone<Tables>(
  transaction: ControlledTransaction<Tables>,
  pending: PendingWrite<Tables>,
): Promise<() => void> {
  const guarded = await transaction.savepoint('write').execute();
  try {
    const settle = await run(transaction, pending);
    await guarded.releaseSavepoint('write').execute();
    return settle;
  } catch (error) {
    await guarded.rollbackToSavepoint('write').execute();
    await guarded.releaseSavepoint('write').execute();
    return () => pending.reject(ownFailure(error));
  }
}

async function run<Tables>(transaction: Transaction<Tables>, pending: PendingWrite<Tables>): Promise<() => void> {
  if (pending.kind === 'free') return pending.run(transaction);
  await runStatements(transaction, await pending.statements());
  return () => pending.resolve();
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
  return new RampartError('STORAGE_FAILED', `the control plane could not write to its database${wayOutOf(detail)}`, {
    cause,
    detail,
  });
}

/** What SQLite, PostgreSQL and the kernel say where there is no room. */
const NO_ROOM = /disk is full|no space left/i;

function wayOutOf(detail: string): string {
  return NO_ROOM.test(detail)
    ? ': its disk is full, and nothing was changed; make room on that disk and try again'
    : '; see its log';
}

/** The journal gathers until the end of a turn, too: what it asks for then belongs to changes of that turn. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}
