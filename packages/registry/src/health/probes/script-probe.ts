import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ScriptCheck } from '../check.ts';
import type { ProbeResult } from '../probe.ts';

/** More is read, so that the program can end, and thrown away. */
const MOST_BYTES = 8192;
/** Nothing of the own environment, which may hold secrets. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };

/** Runs a program once, without a shell; exit code 0 is passing, 1 is warning, all else is critical (Consul). */
export function probeScript(
  { args: [program = '', ...words] }: ScriptCheck,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    // A process group of its own, so that what it started ends with it.
    const child = spawn(program, words, {
      env: ENVIRONMENT,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    const end = (status: ProbeResult['status'], otherwise: string): void => {
      signal.removeEventListener('abort', kill);
      killGroup(child);
      resolve({ status, output: Buffer.concat(output).toString() || otherwise });
    };
    const kill = (): void => end('critical', 'the program was ended: it took too long');
    for (const stream of [child.stdout, child.stderr]) keepBeginning(stream, output);
    child.once('error', (error) => end('critical', `the program cannot be run: ${error.message}`));
    child.once('close', (code) => end(statusOf(code), code === null ? 'ended by a signal' : `exit code ${code}`));
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill, { once: true });
  });
}

function keepBeginning(stream: Readable, output: Buffer[]): void {
  stream.on('data', (chunk: Buffer) => {
    const kept = output.reduce((sum, { length }) => sum + length, 0);
    if (kept < MOST_BYTES) output.push(chunk.subarray(0, MOST_BYTES - kept));
  });
}

/** Repeating it, and doing it when all have ended, does nothing. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function statusOf(exitCode: number | null): ProbeResult['status'] {
  if (exitCode === 0) return 'passing';
  return exitCode === 1 ? 'warning' : 'critical';
}
