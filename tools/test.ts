import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freshBundles } from './bundled/cache.ts';
import { inParallel } from './parallel.ts';
import { repositoryRoot, writtenFiles } from './repository.ts';
import { recordDurations, recordedDurations, usualSeconds } from './testing/durations.ts';
import { planRuns } from './testing/plan.ts';
import type { PlannedFile } from './testing/plan.ts';
import { prepareCompileCache, prepareRuntimes } from './testing/prepare.ts';
import { runProcess } from './testing/runner.ts';
import { reasonToStayApart } from './testing/sharing.ts';
import { Tally } from './testing/tally.ts';

/** A test that is slower than this is worth a line of its own. */
const slowMilliseconds = 2_000;
/** To prepare them takes longer than a few processes save. */
const manyProcesses = 20;
/** Where Node keeps what it compiled: hundreds of processes load the same sources, and reading their types is half of a start. */
const compileCache = join(repositoryRoot, 'node_modules/.cache/rampart-tests');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: 'string' }, record: { type: 'boolean' }, help: { type: 'boolean' } },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
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
    say("npm test -- [PATTERN…] [--concurrency N] [--record]    PATTERN is a part of a test file's path");
    say('--record keeps how long files take, by which the next run is planned');
    return 0;
  }
  const concurrency = Number(values.concurrency ?? availableParallelism());
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    say(`--concurrency takes a whole number from 1, not "${values.concurrency ?? ''}"`);
    return 2;
  }
  const files = writtenFiles(repositoryRoot, ['.test.ts']).filter(
    (file) => positionals.length === 0 || positionals.some((pattern) => file.includes(pattern)),
  );
  if (files.length === 0) {
    say(`no test file matches ${positionals.join(' ')}`);
    say('0 passed, 0 failed, 0 skipped');
    return 1;
  }
  const runs = planRuns(plannedFiles(files));
  say(`${files.length} test files in ${runs.length} processes, ${concurrency} at a time, Node ${process.version}`);
  await prepareRuntimes(files);
  process.env['NODE_COMPILE_CACHE'] ??= compileCache;
  if (runs.length >= manyProcesses) await prepareStarts(process.env['NODE_COMPILE_CACHE']);
  const tally = new Tally(repositoryRoot);
  const took = await inParallel(runs, concurrency, (run) => runProcess(run, tally, say));
  if (values.record === true) recordDurations(new Map(took.flatMap((each) => [...each])));
  reportEnd(tally);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

/** What tests start, they start out of bundles; what they import are the sources. */
async function prepareStarts(cache: string): Promise<void> {
  process.env['TEST_BUNDLES'] ??= await freshBundles();
  await prepareCompileCache(cache, process.env['TEST_BUNDLES']);
}

function plannedFiles(paths: readonly string[]): PlannedFile[] {
  const recorded = recordedDurations();
  return paths.map((path) => {
    const source = readFileSync(join(repositoryRoot, path), 'utf8');
    return {
      path,
      seconds: recorded.get(path) ?? usualSeconds,
      shares: reasonToStayApart(path, source) === undefined,
    };
  });
}

process.exitCode = await main();
