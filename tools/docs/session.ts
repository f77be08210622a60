import { join } from 'node:path';
import { RunningProgram } from '../running-program.ts';
import type { CommandBlock, DocCommand } from './blocks.ts';

/** Programs that stand in for slower ones which would do the same. */
const standIns = join(import.meta.dirname, 'programs');
/** Commands that show what was put on record: that is done in batches, and this reader types quicker than any other. */
const LOOKS_BACK = /^npx rampart (?:logs|audit query) (?!.*-f\b)/;
const RECORDED_WITHIN_MS = 10_000;

export interface Reader {
  /** The folder that commands are typed in. */
  readonly folder: string;
  /** Whether `npx` is npm's own, or what starts the same program half a second sooner. */
  readonly npx: 'npm' | 'direct';
}

/** One reader following one document: blocks run in order in one folder, background blocks stay up until `stop`. */
export class DocSession {
  readonly #reader: Reader;
  readonly #background: RunningProgram[] = [];

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Runs a block. Returns what did not go as the document says; nothing when all did. */
  async run(block: CommandBlock): Promise<string[]> {
    const problems: string[] = [];
    for (const command of block.commands) {
      if (/^\s*npm (?:ci|install)\b/m.test(command.text)) {
        return ['installs into a folder of links: put <!-- illustration: why --> above it'];
      }
      problems.push(...(block.background ? await this.#start(command, block.until) : await this.#finish(command)));
      if (problems.length > 0) break;
    }
    return problems;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#background.splice(0).map((shell) => shell.stop()));
  }

  async #start(command: DocCommand, until: string): Promise<string[]> {
    const shell = this.#bash(command);
    this.#background.push(shell);
    const up = await shell.prints(until);
    return up !== undefined ? [] : [`never printed "${until}", but:\n${shell.output}`];
  }

  async #finish(command: DocCommand): Promise<string[]> {
    let problems = await this.#try(command);
    const until = Date.now() + RECORDED_WITHIN_MS;
    while (problems.length > 0 && LOOKS_BACK.test(command.text) && Date.now() < until)
      problems = await this.#try(command);
    return problems;
  }

  async #try(command: DocCommand): Promise<string[]> {
    const shell = this.#bash(command);
    const code = await shell.ends();
    if (code !== command.exit) return [`exited with ${code}, not ${command.exit}:\n$ ${command.text}\n${shell.output}`];
    const missing = missingLine(command.shows, shell.output);
    return missing === undefined ? [] : [`did not print "${missing}", but:\n$ ${command.text}\n${shell.output}`];
  }

  #bash(command: DocCommand): RunningProgram {
    const { folder, npx } = this.#reader;
    return new RunningProgram('bash', ['-euo', 'pipefail', '-c', command.text], {
      cwd: folder,
      ...(npx === 'npm' ? {} : { programs: standIns }),
    });
  }
}

/** The first promised line that does not appear, in order, among the printed ones. */
export function missingLine(shows: readonly string[], output: string): string | undefined {
  const printed = output.split('\n').map((line) => line.trim());
  let at = 0;
  for (const line of shows) {
    const found = printed.findIndex((each, index) => index >= at && isLike(each, line));
    if (found === -1) return line;
    at = found + 1;
  }
  return undefined;
}

/** "…" in what is promised stands for anything. */
function isLike(printed: string, promised: string): boolean {
  const [head = '', ...rest] = promised.split('…');
  const tail = rest.pop();
  if (tail === undefined) return printed === promised;
  if (!printed.startsWith(head) || printed.length < head.length + tail.length || !printed.endsWith(tail)) return false;
  let at = head.length;
  return rest.every((part) => {
    const found = printed.indexOf(part, at);
    at = found + part.length;
    return found !== -1;
  });
}
