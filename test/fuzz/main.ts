import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { Fuzzer, shortened, type Finding } from './engine/fuzzer.ts';
import type { FuzzTarget } from './engine/target.ts';
import { targets } from './targets.ts';

const CRASHES = join(import.meta.dirname, '..', '..', '.build', 'fuzz');
const TURN_RUNS = 200;
const USAGE = `Usage: npm run fuzz -- [--runs N] [--seed S] [TARGET…]

  TARGET   ${targets.map(({ name }) => name).join(' | ')}; all of them unless given
  --runs   inputs for each target (20000)
  --seed   first number of the stream that makes them (the time of day); the same seed makes the same inputs
`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function fuzz(
  target: FuzzTarget,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): Promise<number> {
  const fuzzer = new Fuzzer(target, seed);
  const startedAt = performance.now();
  const known = new Set<string>();
  for (let run = 0; run < runs; run += 1) {
    const finding = fuzzer.step();
    // What targets left for later turns of the event loop is done, and its memory is free.
    if (run % TURN_RUNS === 0) await turn();
    const kind = finding?.problem.split('\n', 1)[0];
    if (finding === undefined || kind === undefined || known.has(kind)) continue;
    known.add(kind);
    keep(shortened(target, finding), `--seed ${seed}, input ${run}`);
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(
    `${known.size === 0 ? 'ok     ' : 'FOUND  '} ${target.name}  ${runs} inputs, ${fuzzer.outcomes} outcomes, ${known.size} findings  ${seconds} s`,
  );
  return known.size;
}

function keep({ target, input, problem }: Finding, origin: string): void {
  const directory = join(CRASHES, target);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  say(`FOUND   ${target} (${origin}): ${problem}`);
  say(
    `        kept in ${relative(process.cwd(), file)}; once mended, it belongs in test/fuzz/cases/${target}/ under a name`,
  );
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
  });
  const runs = Number(values.runs ?? 20_000);
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  const chosen = targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));
  const isSound = Number.isSafeInteger(runs) && runs > 0 && Number.isSafeInteger(seed) && unknown.length === 0;
  if (values.help === true || !isSound) {
    process.stderr.write(USAGE);
    return values.help === true ? 0 : 2;
  }
  say(`seed ${seed}`);
  let findings = 0;
  for (const target of chosen) findings += await fuzz(target, { runs, seed });
  return findings === 0 ? 0 : 1;
}

process.exitCode = await main();
