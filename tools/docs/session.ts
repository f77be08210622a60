import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { toolPath } from '../command.ts';
import type { CommandBlock, DocCommand } from './blocks.ts';

/** A command that has not ended by now is not one for a five-minute tour. */
const patienceMilliseconds = 90_000;

/** One reader following one document: blocks run in order in one folder, background blocks stay up until `stop`. */
export class DocSession {
  readonly #folder: string;
  readonly #background: Shell[] = [];

  constructor(folder: string) {
    this.#folder = folder;
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
    const shell = new Shell(command.text, this.#folder);
    this.#background.push(shell);
    const up = await shell.prints(until);
    return up ? [] : [`never printed "${until}", but:\n${shell.output}`];
  }

  async #finish(command: DocCommand): Promise<string[]> {
    const shell = new Shell(command.text, this.#folder);
    const code = await shell.ends();
    if (code !== command.exit) return [`exited with ${code}, not ${command.exit}:\n$ ${command.text}\n${shell.output}`];
    const missing = missingLine(command.shows, shell.output);
    return missing === undefined ? [] : [`did not print "${missing}", but:\n$ ${command.text}\n${shell.output}`];
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

/** A bash process of its own group, so that stopping it stops what it started. */
class Shell {
  output = '';
  readonly #child: ChildProcess;

  constructor(script: string, folder: string) {
    this.#child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      detached: true,
      env: { ...process.env, PATH: toolPath(), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#child.emit('printed');
      });
    }
  }

  /** Resolves to whether the text was printed before the process ended or patience did. */
  async prints(text: string): Promise<boolean> {
    const signal = AbortSignal.timeout(patienceMilliseconds);
    const ended = once(this.#child, 'close', { signal }).then(
      () => true,
      () => true,
    );
    while (!this.output.includes(text)) {
      const over = await Promise.race([
        ended,
        once(this.#child, 'printed', { signal }).then(
          () => false,
          () => true,
        ),
      ]);
      if (over) return this.output.includes(text);
    }
    return true;
  }

  /** Resolves to the exit code; 124 when patience ran out, as `timeout` has it. */
  async ends(): Promise<number> {
    const closed = once(this.#child, 'close', { signal: AbortSignal.timeout(patienceMilliseconds) });
    const code = await closed.then(
      ([exit]: unknown[]) => (typeof exit === 'number' ? exit : 128),
      () => 124,
    );
    if (code === 124) await this.stop();
    return code;
  }

  /** Ctrl-C first, and an end with force when that is not heeded. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#signal('SIGINT');
    const force = setTimeout(() => this.#signal('SIGKILL'), 15_000);
    await closed;
    clearTimeout(force);
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
