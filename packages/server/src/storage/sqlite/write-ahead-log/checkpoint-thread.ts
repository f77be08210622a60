import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CheckpointOrder } from './checkpoint-worker.ts';

/** Published, it is built beside this file. */
const THREAD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js', import.meta.url),
);

/** Checkpoints a SQLite file in a thread, which begins with the first of them. What it cannot do the engine does by itself, later. */
export class CheckpointThread {
  readonly #file: string;
  #worker: Worker | undefined;
  #done: (() => void) | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Brings what the log holds into the file as far as nobody reads older pages. Resolves in any case. One call at a time. */
  checkpoint(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#done = resolve;
    this.#worker ??= this.#start();
    order(this.#worker, 'checkpoint');
    return promise;
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
    // Nothing is lost with a checkpoint that is cut off.
    worker.unref();
    worker.on('message', () => this.#done?.());
    // A thread that dies is replaced at the next checkpoint.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#done?.();
    });
    return worker;
  }
}

function order(worker: Worker, what: CheckpointOrder): void {
  worker.postMessage(what, []);
}
