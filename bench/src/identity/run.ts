import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { median, rounded } from '../harness/figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { measureDoor } from './door.ts';

const SCRIPT = fileURLToPath(new URL('subject-process.ts', import.meta.url));
const RAW = 'raw-crypto';
const X509 = 'rampart-x509-svid';
const SUBJECTS = [
  { name: RAW, argument: 'raw' },
  { name: X509, argument: 'x509' },
  { name: 'rampart-jwt-svid', argument: 'jwt' },
] as const;
const LIVE_IDENTITIES = 10_000;

interface Series {
  readonly name: string;
  readonly child: Child;
  /** In a second of processor time, round by round. */
  readonly perCore: number[];
  readonly perSecond: number[];
}

/** Certificates a second on one core beside what the machine's cryptography alone allows, latency at the door, memory. */
export async function benchIdentity(options: RunOptions): Promise<Record<string, unknown>> {
  const series: Series[] = [];
  try {
    for (const { name, argument } of SUBJECTS) {
      options.progress(`starting ${name}`);
      const { child } = await Child.start({ script: SCRIPT, args: [argument] }, options.environment);
      series.push({ name, child, perCore: [], perSecond: [] });
    }
    await rounds(series, options);
  } finally {
    for (const { child } of series) await child.stop();
  }
  options.progress('attestation at the door');
  const door = await measureDoor(options.quick ? 400 : 4000, options.environment);
  return {
    subjects: [...series.map(report), { name: 'rampart-door', ...doorReport(door) }],
    ratios: { svids_vs_raw_crypto_limit: ratio(series) },
    memory: await memory(options),
  };
}

async function rounds(series: readonly Series[], { quick, progress }: RunOptions): Promise<void> {
  const count = quick ? 3 : 9;
  const milliseconds = quick ? 700 : 2000;
  for (const { child } of series) await child.ask({ milliseconds });
  for (let round = 1; round <= count; round += 1) {
    progress(`round ${round} of ${count}`);
    for (const each of series) {
      const answer = await each.child.ask({ milliseconds });
      const done = Number(answer['done']);
      each.perCore.push(done / Number(answer['cpuSeconds']));
      each.perSecond.push(done / Number(answer['seconds']));
    }
  }
}

function report({ name, perCore, perSecond }: Series): Record<string, unknown> {
  return {
    name,
    per_core_second: rounded(median(perCore), 0),
    per_second: rounded(median(perSecond), 0),
    cpu_us_each: rounded(1_000_000 / median(perCore), 1),
  };
}

function doorReport(door: Awaited<ReturnType<typeof measureDoor>>): Record<string, number> {
  return {
    full_load_per_second: rounded(door.fullLoadPerSecond, 0),
    half_load_p50_ms: rounded(door.halfLoadP50Ms, 2),
    half_load_p99_ms: rounded(door.halfLoadP99Ms, 2),
    half_load_caller_late_p99_ms: rounded(door.callerLateP99Ms, 2),
  };
}

function ratio(series: readonly Series[]): number {
  const of = (name: string): readonly number[] => series.find((each) => each.name === name)?.perCore ?? [];
  const raw = of(RAW);
  return rounded(median(of(X509).map((ours, round) => ours / (raw[round] ?? Number.NaN))), 3);
}

/** What V8's young generation may grow to under load says more of the load than of the identities. */
const YOUNG_GENERATION = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

async function memory(options: RunOptions): Promise<Record<string, number>> {
  const count = options.quick ? LIVE_IDENTITIES / 10 : LIVE_IDENTITIES;
  options.progress(`memory with ${count} identities`);
  const grown = await memoryOf(count, [], options);
  const bounded = await memoryOf(count, YOUNG_GENERATION, options);
  return {
    live_identities: count,
    rss_before_mb: grown.before,
    rss_after_mb: grown.after,
    bounded_rss_before_mb: bounded.before,
    bounded_rss_after_mb: bounded.after,
    heap_added_mb: bounded.heapAdded,
  };
}

async function memoryOf(
  count: number,
  flags: readonly string[],
  { environment }: RunOptions,
): Promise<{ readonly before: number; readonly after: number; readonly heapAdded: number }> {
  const execArgv = ['--expose-gc', ...flags];
  const { child, hello } = await Child.start(
    { script: SCRIPT, args: ['memory', String(count)], execArgv },
    environment,
  );
  await child.stop();
  const [before = 0, after = 0, heapAdded = 0] = ['before', 'after', 'heapAdded'].map((name) =>
    rounded(Number(hello[name]), 1),
  );
  return { before, after, heapAdded };
}
