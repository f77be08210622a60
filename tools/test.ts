import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { repositoryRoot, writtenFiles } from './repository.ts';
import { prepareRuntimes } from './testing/prepare.ts';
import { Tally } from './testing/tally.ts';

/** A test that is slower than this is worth a line of its own. */
const slowMilliseconds = 2_000;
/** A test that has not ended by now never will: it is failed, so that the run ends. */
const hungMilliseconds = 180_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: 'string' }, help: { type: 'boolean' } },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function runTests(files: readonly string[], concurrency: number): Promise<Tally> {
  const tally = new Tally(repositoryRoot);
  const output = new Map<string, string>();
  const keep = ({ file = '', message }: { file?: string | undefined; message: string }): void => {
    output.set(file, (output.get(file) ?? '') + message);
  };
  const stream = run({ files: [...files], concurrency, timeout: hungMilliseconds, cwd: repositoryRoot });
  stream.on('test:pass', (event) => tally.add(event, true));
  stream.on('test:fail', (event) => tally.add(event, false));
  stream.on('test:stdout', keep);
  stream.on('test:stderr', keep);
  stream.on('test:summary', ({ file }) => {
    if (file !== undefined) reportFile(file, tally);
  });
  await stream.forEach(() => undefined);
  for (const [file, text] of output) {
    if (tally.file(file).failed > 0) say(`\noutput of ${relative(repositoryRoot, file)}:\n${text.trimEnd()}`);
  }
  return tally;
}

function reportFile(file: string, tally: Tally): void {
  const { tests, failed, milliseconds } = tally.file(file);
  const count = failed === 0 ? `${tests} tests` : `${tests} tests, ${failed} FAILED`;
  const mark = failed === 0 ? 'ok    ' : 'FAILED';
  say(`${mark}  ${relative(repositoryRoot, file)}  ${count}  ${(milliseconds / 1000).toFixed(1)} s`);
}

function reportEnd(tally: Tally): void {
  const slow = tally.slowest(slowMilliseconds);
  if (slow.length > 0) say(`\nslow tests:\n${slow.map((line) => `  ${line}`).join('\n')}`);
  if (tally.skips.length > 0) say(`\nskipped:\n${tally.skips.map((line) => `  ${line}`).join('\n')}`);
  if (tally.failures.length > 0) say(`\nfailures:\n\n${tally.failures.join('\n\n')}`);
  say(`\n${tally.summary()}`);
}

async function main(): Promise<number> {
  if (values.help === true) {
    say("npm test -- [PATTERN…] [--concurrency N]    PATTERN is a part of a test file's path");
    return 0;
  }
  const concurrency = Number(values.concurrency ?? availableParallelism());
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    say(`--concurrency takes a whole number from 1, not "${values.concurrency ?? ''}"`);
    return 2;
  }
  const files = writtenFiles(repositoryRoot, ['.test.ts'])
    .filter((file) => positionals.length === 0 || positionals.some((pattern) => file.includes(pattern)))
    .toSorted((a, b) => Number(isScenario(b)) - Number(isScenario(a)))
    .map((file) => join(repositoryRoot, file));
  if (files.length === 0) {
    say(`no test file matches ${positionals.join(' ')}`);
    say('0 passed, 0 failed, 0 skipped');
    return 1;
  }
  say(`${files.length} test files, ${concurrency} at a time, Node ${process.version}`);
  await prepareRuntimes(files);
  const tally = await runTests(files, concurrency);
  reportEnd(tally);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

/** Whole-system scenarios take longest: started first, none of them is left running alone at the end. */
function isScenario(file: string): boolean {
  return file.startsWith('test/');
}

process.exitCode = await main();
