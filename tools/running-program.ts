import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { toolPath } from './command.ts';

/** How long a program is waited for before it counts as hung. */
const patienceMilliseconds = 90_000;
/** How long it may take to end in peace before it is ended. */
const graceMilliseconds = 15_000;

export interface ProgramOptions {
  readonly cwd: string;
  /** A folder whose programs are found before all others of the same name. */
  readonly programs?: string;
}

/** A program that runs beside this one, with everything it prints. It gets a process group of its own. */
export class RunningProgram {
  output = '';
  readonly #child: ChildProcess;

  constructor(program: string, args: readonly string[], options: ProgramOptions) {
    this.#child = spawn(program, args, {
      cwd: options.cwd,
      detached: true,
      env: {
        ...process.env,
        PATH: [...(options.programs === undefined ? [] : [options.programs]), toolPath()].join(delimiter),
        NO_COLOR: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#child.emit('printed');
      });
    }
  }

  /**
   * Resolves to the text once it is printed (of a pattern: to its first group, or all of it).
   * Resolves to undefined when the program ends without it, or patience does.
   */
  async prints(wanted: string | RegExp): Promise<string | undefined> {
    const signal = AbortSignal.timeout(patienceMilliseconds);
    for (;;) {
      const found = find(this.output, wanted);
      if (found !== undefined || this.#hasEnded() || signal.aborted) return found;
      const news = [once(this.#child, 'printed', { signal }), once(this.#child, 'close', { signal })];
      await Promise.race(news).catch(() => undefined);
    }
  }

  /** Resolves to the exit code; 128 after a signal, 124 when patience ran out, as `timeout` has it. */
  async ends(): Promise<number> {
    const closed = once(this.#child, 'close', { signal: AbortSignal.timeout(patienceMilliseconds) });
    const code = await closed.then(
      ([exit]: unknown[]) => (typeof exit === 'number' ? exit : 128),
      () => 124,
    );
    if (code === 124) await this.stop();
    return code;
  }

  /** Ctrl-C for the whole group, then force when that is not heeded. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    const closed = once(this.#child, 'close');
    this.#signal('SIGINT');
    const force = setTimeout(() => this.#signal('SIGKILL'), graceMilliseconds);
    await closed;
    clearTimeout(force);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      // It ended between the look and the signal.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

function find(output: string, wanted: string | RegExp): string | undefined {
  if (typeof wanted === 'string') return output.includes(wanted) ? wanted : undefined;
  const match = wanted.exec(output);
  return match?.[1] ?? match?.[0];
}
