import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** How a process ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly name: string;
  /** Executable. */
  readonly node: string;
  readonly arguments: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called for each line on standard output. */
  readonly onLine?: (line: string) => void;
}

const KEPT_LINES = 20;

/**
 * An operating-system process in a group of its own, so that Ctrl-C in the terminal reaches only the orchestrator,
 * which then stops its children in order. A pipe on standard input tells the child when the orchestrator is gone.
 */
export class Child {
  readonly name: string;
  readonly pid: number | undefined;
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lastLines: string[] = [];
  #stopping = false;
  #running = true;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#process = spawn(options.node, options.arguments, {
      env: options.environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.pid = this.#process.pid;
    this.#process.stdin.on('error', () => undefined);
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.#keep(line);
      options.onLine?.(line);
    });
    createInterface({ input: this.#process.stderr }).on('line', (line) => this.#keep(line));
    this.exited = this.#ended();
  }

  /** Whether its end was asked for. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** What it last said, newest line last. */
  get lastWords(): readonly string[] {
    return this.#lastLines;
  }

  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Asks it to end, and ends it by force when it has not within `graceMs`. */
  async stop(graceMs: number): Promise<ChildExit> {
    this.#stopping = true;
    if (this.#running) this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(force);
    return exit;
  }

  async #ended(): Promise<ChildExit> {
    try {
      const [code, signal] = (await once(this.#process, 'close')) as [number | null, NodeJS.Signals | null];
      return { code, signal };
    } catch (error) {
      this.#keep(error instanceof Error ? error.message : String(error));
      return { code: null, signal: null };
    } finally {
      this.#running = false;
    }
  }

  #keep(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
  }
}

/** "exit code 1", "signal SIGKILL". */
export function describeExit(exit: ChildExit): string {
  if (exit.signal !== null) return `signal ${exit.signal}`;
  return exit.code === null ? 'it could not be started' : `exit code ${exit.code}`;
}
