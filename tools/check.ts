import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { boundaries } from './check/walls/boundaries.ts';
import { formatFinding } from './check/checker.ts';
import type { Checker, Finding } from './check/checker.ts';
import { documentation } from './check/documentation.ts';
import { format } from './check/format.ts';
import { generated } from './check/generated.ts';
import { house } from './check/house/house.ts';
import { lint } from './check/lint.ts';
import { types } from './check/types.ts';
import { unused } from './check/unused.ts';
import { inParallel } from './parallel.ts';
import { repositoryRoot } from './repository.ts';

/** The slowest first, so that none of them is left running alone at the end. */
const checkers: readonly Checker[] = [types, lint, unused, generated, house, boundaries, documentation, format];

/** Proves one thing and prints one line about it; what is wrong follows on lines of its own. */
interface Task {
  readonly title: string;
  prove(): Promise<Proof>;
}

interface Proof {
  readonly ok: boolean;
  readonly summary: string;
  readonly details: readonly string[];
}

async function proveRepository(checker: Checker): Promise<Proof> {
  const { files, findings } = await checker.check(repositoryRoot);
  if (files === 0 && findings.length === 0) {
    return { ok: false, summary: 'looked at 0 files: a checker that checks nothing has failed', details: [] };
  }
  const summary = findings.length === 0 ? `${files} files` : `${files} files, ${findings.length} findings`;
  return { ok: files > 0 && findings.length === 0, summary, details: findings.map(formatFinding) };
}

/** The canary is broken on purpose: the checker must say so, and name the rules it was made to break. */
async function proveCanary(checker: Checker): Promise<Proof> {
  const root = join(repositoryRoot, 'tools', 'canaries', checker.name);
  const expected = JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8')) as readonly string[];
  const { findings } = await checker.check(root);
  const found = new Set(findings.map(({ rule }) => rule));
  const missed = expected.filter((rule) => !found.has(rule));
  if (expected.length === 0) return { ok: false, summary: 'expected.json names no rule', details: [] };
  if (missed.length === 0) return { ok: true, summary: `${expected.length} rules still bite`, details: [] };
  const details = missed.map(
    (rule) => `  tools/canaries/${checker.name}  ${rule}  was to be found broken, and was not`,
  );
  return {
    ok: false,
    summary: `${missed.length} of ${expected.length} rules no longer bite`,
    details: [...details, ...seen(findings)],
  };
}

function seen(findings: readonly Finding[]): string[] {
  return findings.length === 0 ? ['  nothing was found'] : findings.map(formatFinding);
}

async function runTask(task: Task): Promise<boolean> {
  const startedAt = performance.now();
  const proof = await task.prove().catch((error: unknown): Proof => {
    return { ok: false, summary: 'could not run', details: [`  ${String(error)}`] };
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const line = `${proof.ok ? 'ok    ' : 'FAILED'}  ${task.title.padEnd(20)}  ${`${seconds} s`.padStart(7)}  ${proof.summary}`;
  process.stdout.write(`${[line, ...proof.details].join('\n')}\n`);
  return proof.ok;
}

const wanted = process.argv.slice(2);
const selected = wanted.length === 0 ? checkers : checkers.filter(({ name }) => wanted.includes(name));
const tasks: Task[] = [
  ...selected.map((checker) => ({ title: checker.name, prove: () => proveRepository(checker) })),
  ...selected.map((checker) => ({ title: `canary ${checker.name}`, prove: () => proveCanary(checker) })),
];
const startedAt = performance.now();
const outcomes = await inParallel(tasks, availableParallelism(), async (task) => ({
  title: task.title,
  ok: await runTask(task),
}));
const failed = outcomes.filter(({ ok }) => !ok).map(({ title }) => title);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
if (selected.length === 0) {
  process.stdout.write(
    `check: no checker is called ${wanted.join(', ')}; there are ${checkers.map(({ name }) => name).join(', ')}\n`,
  );
  process.exitCode = 2;
} else if (failed.length > 0) {
  process.stdout.write(`check: FAILED in ${seconds} s: ${failed.join(', ')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`check: ok in ${seconds} s: ${selected.length} checkers, ${selected.length} canaries\n`);
}
