import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { repositoryRoot } from './repository.ts';

export interface CommandResult {
  /** Exit code; 128 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Shows the output while it comes, besides collecting it. */
  readonly echo?: boolean;
  readonly input?: string;
}

/** The repository's own tools come before those of the machine. */
export function toolPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return [join(repositoryRoot, 'node_modules', '.bin'), env['PATH'] ?? ''].join(delimiter);
}

/** Runs a program to its end. A program that cannot be started rejects; one that fails is a result. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...env, PATH: toolPath(env) },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (options.echo === true) process.stdout.write(text);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (options.echo === true) process.stderr.write(text);
  });
  child.stdin?.end(options.input);
  child.on('error', reject);
  // Some tools colour their output wherever CI is set; what is read from it must not depend on that.
  child.on('close', (code) =>
    resolve({
      code: code ?? 128,
      stdout: stripVTControlCharacters(stdout),
      stderr: stripVTControlCharacters(stderr),
    }),
  );
  return promise;
}
