import type { Clock } from '@rampart/core';
import type { LeanStart, ServingAs } from './lean-process.ts';

/** Where a command writes: standard output or standard error. */
export interface OutputStream {
  /** True when a person is looking at it. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined when it is a file or a pipe. */
  readonly columns: number | undefined;
  write(text: string): void;
}

/** Signals that a command may act on. */
export type ForwardedSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR1' | 'SIGUSR2';

/** The outside world of a command. `main.ts` makes the real one; nothing else in this package touches the process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that relative paths start from. */
  readonly workingDirectory: string;
  readonly pid: number;
  /** Numeric user id; undefined where the system has none. */
  readonly userId: number | undefined;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** True when a person can type. */
  readonly stdinIsTerminal: boolean;
  /** The whole of standard input as UTF-8 text. */
  readStdin(): Promise<string>;
  /** One line, typed without being shown; "" where nobody can type. */
  readSecret(question: string): Promise<string>;
  readonly clock: Clock;
  /** For commands that serve until they are stopped: goes on in a process that needs less memory, from the start, or here. */
  becomeLean(servingAs: ServingAs): void;
  /** What Node processes that are started for a sidecar are given. */
  leanStart(): LeanStart;
  /** Calls back on each of these signals until the returned function is called. While nobody listens, a signal ends the process. */
  onSignal(signals: readonly ForwardedSignal[], listener: (signal: ForwardedSignal) => void): () => void;
}
