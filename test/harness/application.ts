import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { bareEnvironment } from './environment.ts';

/** A script of test/services in a process without a line of the mesh. It answers one message with one message. */
export class Application {
  readonly process: ChildProcess;
  /** Where it listens; 0 where it does not. */
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.process = child;
    this.port = port;
  }

  static async start(script: string, env: Readonly<Record<string, string>>): Promise<Application> {
    const child = fork(fileURLToPath(new URL(`../services/${script}`, import.meta.url)), [], {
      execArgv: [],
      env: { ...bareEnvironment(), ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [hello] = (await once(child, 'message')) as [{ readonly port?: number }];
    return new Application(child, hello.port ?? 0);
  }

  async ask<T>(message: object): Promise<T> {
    const answer = once(this.process, 'message') as Promise<[T]>;
    this.process.send(message);
    return (await answer)[0];
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await gone;
  }
}
