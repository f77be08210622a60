import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { RampartError } from '@rampart/core';
import type { Committer, WriteOutcome } from '../../committer.ts';
import type { Statement } from '../../statement.ts';
import type { CommitAnswer, CommitOrder } from './commit-thread.ts';

/** Published, it is built beside this file. */
const THREAD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './commit-thread.ts' : './commit-thread.js', import.meta.url),
);

/** Commits in a thread of its own, which begins with the first commit. One that dies is replaced at the next. */
export class ThreadCommitter implements Committer {
  readonly #file: string;
  #worker: Worker | undefined;
  #waiting: PromiseWithResolvers<CommitAnswer> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async commit(writes: readonly (readonly Statement[])[]): Promise<readonly WriteOutcome[]> {
    const worker = (this.#worker ??= this.#start());
    this.#waiting = Promise.withResolvers();
    worker.ref();
    order(worker, ordersOf(writes));
    const answer = await this.#waiting.promise;
    worker.unref();
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.outcomes;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const gone = once(worker, 'exit');
    worker.ref();
    order(worker, 'close');
    await gone;
  }

  #start(): Worker {
    const worker = new Worker(THREAD, { workerData: this.#file, env: {}, execArgv: ['--no-warnings'] });
    worker.on('message', (answer: CommitAnswer) => this.#waiting?.resolve(answer));
    worker.on('error', (cause) => this.#lose(worker, cause));
    worker.on('exit', () => this.#lose(worker));
    return worker;
  }

  #lose(worker: Worker, cause?: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const error = new RampartError('STORAGE_FAILED', 'the thread that writes the database ended', { cause });
    this.#waiting?.reject(error);
  }
}

function ordersOf(writes: readonly (readonly Statement[])[]): CommitOrder {
  return writes.map((statements) =>
    statements.map(({ query, parameters, mustChange }) => ({
      sql: query.sql,
      parameters,
      ...(mustChange === undefined ? {} : { mustChange }),
    })),
  );
}

function order(worker: Worker, what: CommitOrder): void {
  worker.postMessage(what, []);
}
