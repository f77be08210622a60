import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { bareEnvironment } from '../harness/environment.ts';
import type { Flow, Outcome } from './flow.ts';

const CUSTOMER = fileURLToPath(new URL('../services/soak/customer.mjs', import.meta.url));

interface Report {
  readonly outcomes?: readonly (readonly [flow: number, began: number, ended: number, code: string])[];
  readonly done?: boolean;
}

/** Customers in one process, who report what came of each of their requests. */
export class Customers {
  readonly #process: ChildProcess;
  readonly #done: Promise<void>;

  /** @param process of which `customer.mjs` is the program */
  constructor(process: ChildProcess, flows: readonly Flow[], onOutcome: (outcome: Outcome) => void) {
    this.#process = process;
    this.#done = new Promise((resolve, reject) => {
      process.on('message', ({ outcomes = [], done }: Report) => {
        for (const [index, began, ended, code] of outcomes) {
          const flow = flows[index];
          if (flow !== undefined) onOutcome({ flow, began, ended, code });
        }
        if (done === true) resolve();
      });
      process.once('exit', (code) => reject(new Error(`customers ended with ${String(code)}`)));
    });
    this.#done.catch(() => undefined);
    process.send({ flows });
  }

  /** A process outside the mesh, for those who come through a sidecar. */
  static async outside(): Promise<ChildProcess> {
    const process = fork(CUSTOMER, [], { env: bareEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(process, 'message');
    return process;
  }

  /** Resolves once what they have asked for has come to an end; rejects when their process has ended before. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.send({});
    await this.#done;
  }
}
