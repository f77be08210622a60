// A thread that commits: `workerData` is the file. It answers each order before it takes the next.
import { parentPort, workerData } from 'node:worker_threads';
import type { WriteOutcome } from '../../committer.ts';
import { DatabaseFile, inputs } from '../database-file.ts';
import type { ExpectedChange } from '../../statement.ts';

/** A statement on its way to the thread that commits. */
export interface PlainStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly mustChange?: ExpectedChange;
}

/** Writes to commit together, or that there will be no more. */
export type CommitOrder = readonly (readonly PlainStatement[])[] | 'close';

/** What became of each of them; or why none took effect, or might have. */
export type CommitAnswer = { readonly outcomes: readonly WriteOutcome[] } | { readonly failed: string };

type Writes = Exclude<CommitOrder, 'close'>;

const file = new DatabaseFile(String(workerData), 'FULL');

function commit(writes: Writes): readonly WriteOutcome[] {
  file.run('BEGIN IMMEDIATE');
  try {
    const outcomes = writes.map((statements) => runAlone(statements));
    file.run('COMMIT');
    return outcomes;
  } catch (error) {
    try {
      file.run('ROLLBACK');
    } catch {
      // The engine has taken it back by itself.
    }
    throw error;
  }
}

function runAlone(statements: readonly PlainStatement[]): WriteOutcome {
  file.run('SAVEPOINT "write"');
  const problem = problemOf(statements);
  if (problem !== undefined) file.run('ROLLBACK TO "write"');
  file.run('RELEASE "write"');
  return problem ?? 'done';
}

function problemOf(statements: readonly PlainStatement[]): Exclude<WriteOutcome, 'done'> | undefined {
  try {
    for (const { sql, parameters, mustChange } of statements) {
      const { changes } = file.prepare(sql).statement.run(...inputs(parameters));
      if (mustChange !== undefined && Number(changes) !== mustChange.rows) return { refused: mustChange.otherwise };
    }
    return undefined;
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

function answerOf(writes: Writes): CommitAnswer {
  try {
    return { outcomes: commit(writes) };
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

parentPort?.on('message', (order: CommitOrder) => {
  if (order === 'close') {
    file.close();
    parentPort?.close();
  } else parentPort?.postMessage(answerOf(order), []);
});
