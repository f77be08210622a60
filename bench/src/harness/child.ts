import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A child process that answers one message at a time. */
export class Child {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** Starts the script and resolves with its first message. */
  static async start(
    options: ChildOptions,
    inherited: NodeJS.ProcessEnv,
  ): Promise<{ child: Child; hello: Record<string, unknown> }> {
    const started = fork(options.script, [...options.args], {
      execArgv: [...(options.execArgv ?? [])],
      env: { ...inherited, ...options.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const child = new Child(started);
    return { child, hello: await child.#answer() };
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  async ask(message: unknown): Promise<Record<string, unknown>> {
    const answer = this.#answer();
    this.#process.send(message as object);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }

  async #answer(): Promise<Record<string, unknown>> {
    const abort = new AbortController();
    const died = once(this.#process, 'exit', { signal: abort.signal }).then(([code]: unknown[]) => {
      throw new Error(`a process of the benchmark ended with code ${String(code)}`);
    });
    const answered = once(this.#process, 'message', { signal: abort.signal });
    try {
      const received: readonly unknown[] = await Promise.race([answered, died]);
      return received[0] as Record<string, unknown>;
    } finally {
      abort.abort();
      await Promise.allSettled([died, answered]);
    }
  }
}
