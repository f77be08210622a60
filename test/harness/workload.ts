import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { bareEnvironment } from './environment.ts';
import type { ControlPlaneProcess } from './control-plane.ts';
import { REGISTER } from './programs.ts';

export interface WorkloadOptions {
  /** File under test/services. */
  readonly script: string;
  readonly serviceAccount: string;
  readonly namespace?: string;
  /** Empty for a pure client. */
  readonly service?: string;
  /** Besides `app`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Another Node binary. */
  readonly runtime?: string;
  readonly register?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of the mesh: an ordinary script, started with the hook. It answers one message with one message. */
export class Workload {
  readonly process: ChildProcess;
  readonly port: number;
  #stderr = '';

  private constructor(child: ChildProcess, port: number) {
    this.process = child;
    this.port = port;
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** Starts it with a join token of its own and waits until it says it is up and, when it serves, is registered. */
  static async start(plane: ControlPlaneProcess, options: WorkloadOptions): Promise<Workload> {
    const { serviceAccount, namespace = 'default', service = '', labels = {} } = options;
    const admission = await plane.admission({ namespace, serviceAccount, service, labels });
    const started = await Workload.launch(options, admission);
    try {
      if (service !== '' && started.port !== 0) await plane.registered(service, started.port);
    } catch (error) {
      await started.kill();
      throw new Error(`the workload of ${service} said ${started.complaints}`, { cause: error });
    }
    return started;
  }

  /** Starts it with exactly this environment; resolves with its first message. */
  static async launch(options: WorkloadOptions, env: Readonly<Record<string, string>>): Promise<Workload> {
    const script = fileURLToPath(new URL(`../services/${options.script}`, import.meta.url));
    const child = fork(script, [], {
      execPath: options.runtime ?? process.execPath,
      execArgv: ['--import', options.register ?? REGISTER],
      env: { ...bareEnvironment(), ...env, ...options.env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const hello = (await answerOf(child)) as { port?: number };
    return new Workload(child, hello.port ?? 0);
  }

  get complaints(): string {
    return this.#stderr;
  }

  async ask<T>(message: object): Promise<T> {
    const answer = answerOf(this.process);
    this.process.send(message);
    return (await answer) as T;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = (await gone) as [number | null];
    return code;
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const abort = new AbortController();
  const { signal } = abort;
  let complaint = '';
  const listen = (chunk: Buffer): void => {
    complaint += chunk.toString();
  };
  child.stderr?.on('data', listen);
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]: unknown[]) => message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`the process ended with ${String(code)}: ${complaint}`);
      }),
    ]);
  } finally {
    abort.abort();
    child.stderr?.off('data', listen);
  }
}
