import { join, relative } from 'node:path';
import { run } from 'node:test';
import { repositoryRoot } from '../repository.ts';
import { Lingering } from './lingering.ts';
import type { Run } from './plan.ts';
import type { Tally, TestOutcome } from './tally.ts';

/** A process that lives on for this long after its last test keeps the suite waiting, and would keep a user waiting. */
const lingeringMilliseconds = 2_000;
/** A test that has not ended by now never will: it is failed. */
const hungTestMilliseconds = 300_000;
/** A process that has not ended by then has left something open, as a failed assertion does: it is stopped and failed. */
const leftOpenMilliseconds = 20_000;
/** A process that has not ended by now has left something running: it is stopped and failed. */
const hungProcessMilliseconds = 900_000;

/** Runs the files that it is given, one after the other. */
const sharedProgram = join(import.meta.dirname, 'batch.ts');

interface Outcome extends TestOutcome {
  readonly nesting: number;
}

/** Runs files in a process of their own and says one line about each; output of the process follows when one failed. Gives the seconds of each. */
export async function runProcess(
  planned: Run,
  tally: Tally,
  say: (text: string) => void,
): Promise<ReadonlyMap<string, number>> {
  const files = planned.files.map((file) => join(repositoryRoot, file));
  const shared = files.length > 1;
  const milliseconds = new Map<string, number>();
  const startedAt = performance.now();
  let lastTestAt = startedAt;
  let output = '';
  const lingering = new Lingering(leftOpenMilliseconds);
  const stream = run({
    ...(shared ? { files: [sharedProgram], argv: files } : { files }),
    timeout: hungTestMilliseconds,
    signal: AbortSignal.any([AbortSignal.timeout(hungProcessMilliseconds), lingering.signal]),
    cwd: repositoryRoot,
  });
  const take = (event: Outcome, ok: boolean): void => {
    // What is said of the process itself comes at its end.
    const isProcess = event.name === event.file;
    if (!isProcess) lastTestAt = performance.now();
    const own = event.nesting === 0 ? event.details.duration_ms : 0;
    if (event.file !== undefined) milliseconds.set(event.file, (milliseconds.get(event.file) ?? 0) + own);
    tally.add(event, ok);
    if (isProcess && !ok) say(`FAILED  the process of ${planned.files.join(', ')}`);
  };
  stream.on('test:enqueue', (event) => lingering.enqueued(event));
  stream.on('test:complete', (event) => lingering.completed(event));
  stream.on('test:pass', (event) => take(event, true));
  stream.on('test:fail', (event) => take(event, false));
  for (const event of ['test:stdout', 'test:stderr'] as const) {
    stream.on(event, ({ message }) => {
      output += message;
    });
  }
  await stream.forEach(() => undefined);
  lingering.end();
  const endedAt = performance.now();
  if (!shared) milliseconds.set(files[0] ?? '', endedAt - startedAt);
  const unheard = shared ? files.filter((file) => !milliseconds.has(file)) : [];
  for (const file of unheard) tally.add(silence(file), false);
  const failed = files.filter((file) => !sayFile(file, { tally, milliseconds, say }));
  sayProcess(failed, { output, files, lingered: endedAt - lastTestAt, say });
  return new Map(files.map((file) => [relative(repositoryRoot, file), (milliseconds.get(file) ?? 0) / 1000]));
}

/** Of a file of several that was never heard of. */
function silence(file: string): TestOutcome {
  const error = 'this file holds no test, or its process ended before it';
  return { name: file, file, details: { duration_ms: 0, type: 'test', error } };
}

interface FileReport {
  readonly tally: Tally;
  readonly milliseconds: ReadonlyMap<string, number>;
  readonly say: (text: string) => void;
}

/** Whether all was well. */
function sayFile(file: string, { tally, milliseconds, say }: FileReport): boolean {
  const { tests, failed } = tally.file(file);
  const name = relative(repositoryRoot, file);
  const seconds = ((milliseconds.get(file) ?? 0) / 1000).toFixed(1);
  const count = failed === 0 ? `${tests} tests` : `${tests} tests, ${failed} FAILED`;
  say(`${failed === 0 ? 'ok    ' : 'FAILED'}  ${name}  ${count}  ${seconds} s`);
  return failed === 0;
}

interface ProcessReport {
  readonly files: readonly string[];
  readonly output: string;
  /** Milliseconds from the last test to the end of the process. */
  readonly lingered: number;
  readonly say: (text: string) => void;
}

function sayProcess(failed: readonly string[], { files, output, lingered, say }: ProcessReport): void {
  const names = (paths: readonly string[]): string => paths.map((path) => relative(repositoryRoot, path)).join(', ');
  if (lingered >= lingeringMilliseconds) {
    say(`        ${(lingered / 1000).toFixed(1)} s from the last test to the end of the process of ${names(files)}`);
  }
  if (failed.length === 0) return;
  if (files.length > 1) say(`        in one process with ${names(files.filter((file) => !failed.includes(file)))}`);
  if (output.trim() !== '') say(output.trimEnd().replaceAll(/^/gm, '        '));
}
