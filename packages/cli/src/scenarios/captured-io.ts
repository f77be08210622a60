import { EventEmitter, once } from 'node:events';
import type { ForwardedSignal, Io } from '../io.ts';

/** An outside world that a test can look into. */
export interface CapturedIo {
  readonly io: Io;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once standard output holds what the pattern describes. */
  printed(pattern: RegExp): Promise<void>;
  /** Resolves once a command would act on the signal. */
  listening(name: ForwardedSignal): Promise<void>;
  signal(name: ForwardedSignal): void;
}

export interface CaptureOptions {
  readonly workingDirectory: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly terminal?: boolean;
  /** What is typed where nothing is shown, line by line. */
  readonly secrets?: readonly string[];
  /** Unix milliseconds; the clock stands still at 0 when absent. */
  readonly now?: () => number;
}

/** Makes an outside world that keeps what is printed. */
export function captureIo(options: CaptureOptions): CapturedIo {
  const events = new EventEmitter();
  const secrets = [...(options.secrets ?? [])];
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr'): Io['stdout'] => ({
    isTerminal: options.terminal ?? false,
    columns: options.terminal === true ? 120 : undefined,
    write: (text) => {
      written[name] += text;
      events.emit(name);
    },
  });
  const io: Io = {
    env: options.env ?? {},
    workingDirectory: options.workingDirectory,
    pid: process.pid,
    userId: process.getuid?.(),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdinIsTerminal: false,
    readStdin: () => Promise.resolve(options.stdin ?? ''),
    readSecret: () => Promise.resolve(secrets.shift() ?? ''),
    clock: {
      now: options.now ?? (() => 0),
      after: (milliseconds, callback) => {
        const timer = setTimeout(callback, milliseconds);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    becomeLean: () => undefined,
    leanStart: () => ({ execArgv: [], environment: {} }),
    onSignal: (signals, listener) => {
      for (const signal of signals) events.on(signal, listener);
      return () => {
        for (const signal of signals) events.off(signal, listener);
      };
    },
  };
  const printed = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(written.stdout)) return;
        events.off('stdout', look);
        resolve();
      };
      events.on('stdout', look);
      look();
    });
  const listening = async (name: ForwardedSignal): Promise<void> => {
    while (events.listenerCount(name) === 0) await once(events, 'newListener');
  };
  return {
    io,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    printed,
    listening,
    signal: (name) => events.emit(name, name),
  };
}
