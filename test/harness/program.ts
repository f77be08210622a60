import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { bareEnvironment } from './environment.ts';
import { REGISTER } from './programs.ts';

/** How a program ended, and what it said. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** False runs it without the mesh, to compare. */
  readonly hooked?: boolean;
}

/** Runs an ES module given as text until it ends by itself. */
export function runProgram(source: string, options: ProgramOptions = {}): Promise<ProgramEnd> {
  const hook = options.hooked === false ? [] : ['--import', REGISTER];
  return runNode([...hook, '--input-type=module', '--eval', source], options);
}

/** Runs Node with these arguments. */
export async function runNode(args: readonly string[], { env = {} }: ProgramOptions = {}): Promise<ProgramEnd> {
  const child = spawn(process.execPath, args, {
    env: { ...bareEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), gone]);
  return { code, signal, stdout, stderr };
}
