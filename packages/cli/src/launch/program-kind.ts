import { open } from 'node:fs/promises';
import { basename, delimiter, join, resolve } from 'node:path';

/**
 * How the in-process data plane gets into a program:
 * "node" loads it itself; a "package-manager" is a Node program that starts the service as its child, and must not use up
 * the one-use token on itself; a "shell" passes its environment on; "yarn" does not let its children's options be set;
 * "other" is a program that cannot load it.
 */
export type ProgramKind = 'node' | 'package-manager' | 'yarn' | 'shell' | 'other';

const KIND_OF_NAME: Readonly<Record<string, ProgramKind>> = {
  node: 'node',
  nodejs: 'node',
  npm: 'package-manager',
  npx: 'package-manager',
  pnpm: 'package-manager',
  pnpx: 'package-manager',
  yarn: 'yarn',
  yarnpkg: 'yarn',
  sh: 'shell',
  bash: 'shell',
  dash: 'shell',
  zsh: 'shell',
  ash: 'shell',
};

/** They start the command that follows their own options, with the environment that they have. */
const WRAPPERS: ReadonlySet<string> = new Set([
  ...['env', 'exec', 'nice', 'nohup', 'setsid', 'stdbuf', 'time', 'timeout', 'ionice', 'taskset', 'chrt'],
  ...['tini', 'dumb-init', 'catatonit', 'gosu', 'su-exec', 'setpriv', 'sudo', 'strace', 'faketime'],
]);

/** What kind of program a command starts, by its name or else by the first line of its file; undefined where there is no such file. */
export async function programKindOf(
  words: readonly string[],
  at: { readonly path: string; readonly workingDirectory: string },
): Promise<ProgramKind | undefined> {
  const [command = '', ...rest] = words;
  if (WRAPPERS.has(basename(command))) return wrappedKindOf(rest);
  const known = KIND_OF_NAME[basename(command)];
  if (known !== undefined) return known;
  for (const file of candidates(command, at)) {
    const line = await firstLine(file);
    if (line !== undefined) return kindOfFirstLine(line);
  }
  return undefined;
}

/** Which words are options of the wrapper cannot be known; a name that is known here is that of the program. */
function wrappedKindOf(words: readonly string[]): ProgramKind {
  const kinds = words.map((word) => (word.includes('=') ? undefined : KIND_OF_NAME[basename(word)]));
  const kind = kinds.find((each) => each !== undefined) ?? 'other';
  return kind === 'node' ? 'shell' : kind;
}

function candidates(command: string, at: { readonly path: string; readonly workingDirectory: string }): string[] {
  if (command.includes('/')) return [resolve(at.workingDirectory, command)];
  return at.path
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, command));
}

/** The kind of program that the first line of a file ("#!/usr/bin/env node") asks for. */
export function kindOfFirstLine(line: string): ProgramKind {
  if (!line.startsWith('#!')) return 'other';
  const words = line
    .slice(2)
    .trim()
    .split(/\s+/)
    .map((word) => basename(word));
  const interpreter =
    words[0] === 'env'
      ? words.find((word, index) => index > 0 && !word.startsWith('-') && !word.includes('='))
      : words[0];
  return KIND_OF_NAME[interpreter ?? ''] ?? 'other';
}

const FIRST_LINE_BYTES = 256;

async function firstLine(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? '';
  } catch (cause) {
    // A program may be there to be run and not to be read.
    return cause instanceof Error && 'code' in cause && cause.code === 'EACCES' ? '' : undefined;
  }
}
