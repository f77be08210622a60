import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { exitCodeOfSignal } from '../exit-code.ts';
import type { ForwardedSignal, Io } from '../io.ts';

/** A command to start: its words and its environment. */
export interface ChildCommand {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is to be over before a signal that ends it is passed on; a second signal waits for nothing. */
  readonly beforeEnd?: () => Promise<void>;
}

/** How a command ended. */
export interface ChildExit {
  /** As a shell counts it: its own code, or 128 + the number of the signal that ended it. */
  readonly code: number;
  /** True when a signal to `rampart` itself was passed on: the user wants it to end. */
  readonly asked: boolean;
}

const FORWARDED: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
const FROM_KEYBOARD: ReadonlySet<ForwardedSignal> = new Set(['SIGINT', 'SIGQUIT']);
const ENDING: ReadonlySet<ForwardedSignal> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/** Runs a command on the caller's own terminal, passes signals on, and waits for its end. Throws INVALID_ARGUMENT when it cannot be started. */
export async function runChild({ words, environment, beforeEnd }: ChildCommand, io: Io): Promise<ChildExit> {
  const [program = '', ...rest] = words;
  let child: ChildProcess | undefined;
  let asked = false;
  // Listened for before there is a command: a signal in between would end `rampart` and leave the command an orphan.
  const release = io.onSignal(FORWARDED, (signal) => {
    const isFirst = !asked && ENDING.has(signal);
    asked ||= isFirst;
    // A terminal sends Ctrl-C to the command as well; a second one would make many programs give up their drain.
    if (FROM_KEYBOARD.has(signal) && io.stdinIsTerminal) return;
    if (isFirst && beforeEnd !== undefined) void beforeEnd().then(() => child?.kill(signal));
    else child?.kill(signal);
  });
  try {
    const started = spawn(program, rest, { stdio: 'inherit', cwd: io.workingDirectory, env: { ...environment } });
    child = started;
    const code = await new Promise<number>((resolve, reject) => {
      started.once('error', (error) => reject(unstartable(program, error)));
      started.once('exit', (exitCode, signal) => resolve(signal === null ? (exitCode ?? 0) : exitCodeOfSignal(signal)));
    });
    return { code, asked };
  } finally {
    release();
  }
}

/** What to say of a name under which there is no file to start. */
export async function unusableProgram(program: string, workingDirectory: string): Promise<RampartError> {
  const found = program.includes('/')
    ? await stat(resolve(workingDirectory, program)).catch(() => undefined)
    : undefined;
  if (found?.isDirectory() !== true) return noSuchProgram(program);
  return new RampartError('INVALID_ARGUMENT', `cannot start ${program}: it is a directory; name the program in it`);
}

function noSuchProgram(program: string, cause?: Error): RampartError {
  const message = `cannot start ${program}: no such program; check its name and your PATH`;
  return new RampartError('INVALID_ARGUMENT', message, { cause });
}

function unstartable(program: string, cause: Error): RampartError {
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return noSuchProgram(program, cause);
  const reason = code === 'EACCES' ? 'it is not executable; check its mode' : cause.message;
  return new RampartError('INVALID_ARGUMENT', `cannot start ${program}: ${reason}`, { cause });
}
