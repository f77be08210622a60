import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { median, rounded } from '../harness/figures.ts';
import { cpuMicros, residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { writePki } from '../inprocess/pki.ts';
import { PER_SERVICE } from './callers.ts';
import { measureFanOut } from './fan-out.ts';
import { measureInProcess } from './in-process.ts';
import { measureSize } from './size.ts';
import { startEtcd, startRampart } from './subjects.ts';
import type { Subject, SubjectGround } from './subjects.ts';

const LOAD = fileURLToPath(new URL('load-process.ts', import.meta.url));
const CALLERS = 64;
/** What is there before anything is measured. */
const STANDING = 5000;

type Work = 'register' | 'discover';

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the subject's own process, user and system. */
  readonly cpuMicros: number;
}

interface Series {
  readonly subject: Subject;
  readonly load: Child;
  next: number;
  readonly figures: Readonly<Record<Work, Figures[]>>;
}

/** Registrations, discoveries and watches of Rampart and etcd, the same callers and the same work in turn. */
export async function benchRegistry(options: RunOptions): Promise<Record<string, unknown>> {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-registry-'));
  try {
    await writePki(directory);
    const ground = { directory, environment: options.environment };
    const { series, absent } = await startAll(ground, options);
    try {
      for (const each of series) await warmUp(each, options);
      await rounds(series, options);
      const fanOut = await measureFanOut(series, options);
      return {
        subjects: [
          ...series.map((each) => report(each, fanOut)),
          ...absent,
          await measureInProcess(STANDING, options.quick ? 100_000 : 1_000_000),
        ],
        ratios: ratiosOf(series),
        size: await measureSize(ground, options),
      };
    } finally {
      for (const { subject, load } of series) {
        await load.stop();
        await subject.stop();
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startAll(
  ground: SubjectGround,
  { environment, progress }: RunOptions,
): Promise<{ readonly series: Series[]; readonly absent: object[] }> {
  const series: Series[] = [];
  const absent: object[] = [];
  for (const [name, start] of [
    ['rampart', startRampart],
    ['etcd', startEtcd],
  ] as const) {
    progress(`starting ${name}`);
    const subject = await start(ground);
    if ('absent' in subject) {
      absent.push({ name, ...subject });
      continue;
    }
    const { child: load } = await Child.start({ script: LOAD, args: [] }, environment);
    await load.ask({ kind: 'connect', reach: subject.reach, callers: CALLERS });
    series.push({ subject, load, next: STANDING, figures: { register: [], discover: [] } });
  }
  return { series, absent };
}

async function warmUp({ subject, load }: Series, { progress, quick }: RunOptions): Promise<void> {
  progress(`${subject.name}: ${STANDING} instances`);
  await load.ask({ kind: 'fill', count: STANDING });
  const services = STANDING / PER_SERVICE;
  await load.ask({ kind: 'discover', milliseconds: quick ? 500 : 2000, first: 0, services });
}

async function rounds(series: readonly Series[], { quick, progress }: RunOptions): Promise<void> {
  const count = quick ? 2 : 7;
  const milliseconds = quick ? 1000 : 3000;
  for (let round = 1; round <= count; round += 1) {
    progress(`round ${round} of ${count}`);
    for (const work of ['register', 'discover'] as const) {
      for (const each of series) each.figures[work].push(await measure(each, work, milliseconds));
    }
  }
}

async function measure(series: Series, work: Work, milliseconds: number): Promise<Figures> {
  const { subject, load } = series;
  const before = cpuMicros(subject.pid);
  const answer = await load.ask({ kind: work, milliseconds, first: series.next, services: STANDING / PER_SERVICE });
  const done = Number(answer['done']);
  if (work === 'register') series.next += done;
  return {
    perSecond: done / Number(answer['seconds']),
    p50: Number(answer['p50']),
    p99: Number(answer['p99']),
    cpuMicros: (cpuMicros(subject.pid) - before) / done,
  };
}

function report({ subject, figures }: Series, fanOut: ReadonlyMap<string, object>): Record<string, unknown> {
  const of = (work: Work, field: keyof Figures): number => median(figures[work].map((each) => each[field]));
  return {
    name: subject.name,
    registrations_per_second: rounded(of('register', 'perSecond'), 0),
    register_p50_ms: rounded(of('register', 'p50'), 2),
    register_p99_ms: rounded(of('register', 'p99'), 2),
    register_cpu_us: rounded(of('register', 'cpuMicros'), 1),
    discovers_per_second: rounded(of('discover', 'perSecond'), 0),
    discover_p50_ms: rounded(of('discover', 'p50'), 2),
    discover_p99_ms: rounded(of('discover', 'p99'), 2),
    discover_cpu_us: rounded(of('discover', 'cpuMicros'), 1),
    ...fanOut.get(subject.name),
    ready_ms: rounded(subject.readyMs, 0),
    rss_mb: rounded(residentMegabytes(subject.pid), 1),
  };
}

function ratiosOf(series: readonly Series[]): Record<string, number> {
  const of = (name: string, work: Work, field: keyof Figures): readonly number[] =>
    series.find(({ subject }) => subject.name === name)?.figures[work].map((each) => each[field]) ?? [];
  const ratio = (work: Work, field: keyof Figures): number => {
    const theirs = of('etcd', work, field);
    return rounded(median(of('rampart', work, field).map((ours, round) => ours / (theirs[round] ?? Number.NaN))), 2);
  };
  return {
    registrations_vs_etcd: ratio('register', 'perSecond'),
    discovers_vs_etcd: ratio('discover', 'perSecond'),
    register_cpu_vs_etcd: ratio('register', 'cpuMicros'),
    discover_cpu_vs_etcd: ratio('discover', 'cpuMicros'),
  };
}
