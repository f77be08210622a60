import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { inParallel } from './parallel.ts';
import { repositoryRoot, writtenFiles } from './repository.ts';
import { prepareRuntimes } from './testing/prepare.ts';
import { Tally } from './testing/tally.ts';

/** A test that is slower than this is worth a line of its own. */
const slowMilliseconds = 2_000;
/** A process that lives on for this long after its last test keeps the suite waiting, and would keep a user waiting. */
const lingeringMilliseconds = 2_000;
/** A test that has not ended by now never will: it is failed. */
const hungTestMilliseconds = 120_000;
/** A file whose process has not ended by now has left something running: it is stopped and failed. */
const hungFileMilliseconds = 480_000;

/** Where Node keeps what it compiled: hundreds of processes load the same sources, and reading their types is half of a start. */
const compileCache = join(repositoryRoot, 'node_modules/.cache/rampart-tests');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: 'string' }, help: { type: 'boolean' } },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs one file in a process of its own and prints one line about it; its output follows when it failed. */
async function runFile(file: string, tally: Tally): Promise<void> {
  let output = '';
  const startedAt = performance.now();
  let lastTestAt = startedAt;
  const signal = AbortSignal.timeout(hungFileMilliseconds);
  const stream = run({ files: [file], timeout: hungTestMilliseconds, signal, cwd: repositoryRoot });
  stream.on('test:pass', (event) => tally.add(event, true));
  stream.on('test:fail', (event) => tally.add(event, false));
  for (const event of ['test:pass', 'test:fail'] as const) {
    stream.on(event, () => {
      lastTestAt = performance.now();
    });
  }
  for (const event of ['test:stdout', 'test:stderr'] as const) {
    stream.on(event, ({ message }) => {
      output += message;
    });
  }
  await stream.forEach(() => undefined);
  const lingered = performance.now() - lastTestAt;
  const { tests, failed } = tally.file(file);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const name = relative(repositoryRoot, file);
  const lingers =
    lingered < lingeringMilliseconds ? '' : `, ${(lingered / 1000).toFixed(1)} s of them after its last test`;
  if (failed === 0) return say(`ok      ${name}  ${tests} tests  ${seconds} s${lingers}`);
  say(`FAILED  ${name}  ${tests} tests, ${failed} FAILED  ${seconds} s${lingers}`);
  if (output.trim() !== '') say(output.trimEnd().replaceAll(/^/gm, '        '));
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
    .toSorted((a, b) => lengthOf(b) - lengthOf(a));
  if (files.length === 0) {
    say(`no test file matches ${positionals.join(' ')}`);
    say('0 passed, 0 failed, 0 skipped');
    return 1;
  }
  say(`${files.length} test files, ${concurrency} at a time, Node ${process.version}`);
  await prepareRuntimes(files);
  process.env['NODE_COMPILE_CACHE'] ??= compileCache;
  const tally = new Tally(repositoryRoot);
  await inParallel(files, concurrency, (file) => runFile(join(repositoryRoot, file), tally));
  reportEnd(tally);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

/** What takes longest is started first, so that nothing is left running alone at the end: documents, then whole-system scenarios. */
function lengthOf(file: string): number {
  if (file === 'tools/docs/tour.test.ts') return 2;
  return file.startsWith('test/') ? 1 : 0;
}

process.exitCode = await main();
