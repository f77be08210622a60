import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Absent } from '../harness/absent.ts';
import { median, medianSample, rounded, versusBest } from '../harness/figures.ts';
import type { Sample } from '../harness/figures.ts';
import { cpuMicros } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { grownMegabytes, serviceMegabytes } from './memory.ts';
import { handwritten, plaintext } from './pair.ts';
import { haproxyHttp1Pair, haproxyHttp2Pair } from './peers/haproxy.ts';
import { nginxPair } from './peers/nginx.ts';
import { writePki } from './pki.ts';
import { rampartInProcess } from './rampart.ts';
import type { Running, Subject } from './subject.ts';

const SUBJECTS: readonly Subject[] = [
  plaintext,
  handwritten,
  rampartInProcess,
  nginxPair,
  haproxyHttp1Pair,
  haproxyHttp2Pair,
];
const SIDECARS = [nginxPair, haproxyHttp1Pair, haproxyHttp2Pair].map((subject) => subject.name);
const CONNECTIONS = [1, 32] as const;

/** Rounds of one subject at one number of connections. */
interface Series {
  readonly name: string;
  readonly connections: number;
  readonly samples: Sample[];
}

/** Megabytes of each service's process: before any load, after all of it, and grown alike (`grownMegabytes`). */
interface Memory {
  readonly idle: ReadonlyMap<string, number>;
  readonly loaded: ReadonlyMap<string, number>;
  readonly grown: ReadonlyMap<string, number>;
}

/** Result in the form of every benchmark: subjects side by side, and ratios. */
export async function benchInProcess(options: RunOptions): Promise<Record<string, unknown>> {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-'));
  await writePki(directory);
  const ground = { directory, environment: options.environment };
  const running = new Map<string, Running>();
  const absent: Record<string, unknown>[] = [];
  try {
    for (const subject of SUBJECTS) {
      options.progress(`starting ${subject.name}`);
      const started = await subject.start(ground);
      if (isAbsent(started)) absent.push({ name: subject.name, absent: started.absent });
      else running.set(subject.name, started);
    }
    const idle = await memory(running);
    const series = await rounds(running, options);
    const loaded = await memory(running);
    await stopAll(running);
    const grown = await grownMegabytes([plaintext, handwritten, rampartInProcess], ground, options);
    const figures = { idle, loaded, grown };
    return { subjects: [...report(series, figures), ...absent], ...ratios(series, figures) };
  } finally {
    await stopAll(running);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function stopAll(running: Map<string, Running>): Promise<void> {
  for (const [name, each] of running) {
    running.delete(name);
    await each.stop();
  }
}

function isAbsent(started: Running | Absent): started is Absent {
  return 'absent' in started;
}

async function rounds(running: ReadonlyMap<string, Running>, options: RunOptions): Promise<Series[]> {
  const count = options.quick ? 3 : 9;
  const milliseconds = options.quick ? 450 : 2500;
  const series = CONNECTIONS.flatMap((connections) =>
    [...running.keys()].map((name): Series => ({ name, connections, samples: [] })),
  );
  for (const each of series) await sample(running, each, milliseconds);
  for (let round = 1; round <= count; round += 1) {
    options.progress(`round ${round} of ${count}`);
    for (const each of series) each.samples.push(await sample(running, each, milliseconds));
  }
  return series;
}

async function sample(
  running: ReadonlyMap<string, Running>,
  { name, connections }: Series,
  milliseconds: number,
): Promise<Sample> {
  const subject = running.get(name);
  if (subject === undefined) throw new Error(`${name} is not running`);
  const cpuBefore = totalCpu(subject);
  const answer = await subject.client.ask({ url: subject.url, connections, milliseconds });
  const cpu = totalCpu(subject) - cpuBefore;
  const failures = answer['failures'] as { count: number; first: string } | undefined;
  if (failures === undefined || failures.count > 0) {
    throw new Error(
      `${name}: ${failures?.count ?? 0} requests failed, first: ${failures?.first ?? String(answer['error'])}`,
    );
  }
  const requests = Number(answer['requests']);
  return {
    requestsPerSecond: requests / Number(answer['seconds']),
    p50Ms: Number(answer['p50']),
    p99Ms: Number(answer['p99']),
    cpuMicrosPerRequest: cpu / requests,
  };
}

function totalCpu(subject: Running): number {
  return subject.pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
}

async function memory(running: ReadonlyMap<string, Running>): Promise<Map<string, number>> {
  const figures = new Map<string, number>();
  for (const [name, subject] of running) figures.set(name, await serviceMegabytes(subject));
  return figures;
}

function report(series: readonly Series[], { idle, loaded, grown }: Memory): Record<string, unknown>[] {
  return series.map(({ name, connections, samples }) => {
    const figures = medianSample(samples);
    const grownMb = grown.get(name);
    return {
      name,
      connections,
      requests_per_second: rounded(figures.requestsPerSecond, 0),
      p50_ms: rounded(figures.p50Ms, 3),
      p99_ms: rounded(figures.p99Ms, 3),
      cpu_us_per_request: rounded(figures.cpuMicrosPerRequest, 1),
      rss_mb: rounded(loaded.get(name) ?? Number.NaN, 1),
      rss_idle_mb: rounded(idle.get(name) ?? Number.NaN, 1),
      ...(grownMb === undefined ? {} : { rss_grown_mb: rounded(grownMb, 1) }),
    };
  });
}

function ratios(series: readonly Series[], { idle, loaded, grown }: Memory): Record<string, unknown> {
  const of = (name: string, connections: number): readonly Sample[] =>
    series.find((each) => each.name === name && each.connections === connections)?.samples ?? [];
  const busy = 32;
  const speeds = (name: string): number[] => of(name, busy).map(({ requestsPerSecond }) => requestsPerSecond);
  const over = (peers: readonly (readonly number[])[]): number =>
    rounded(versusBest(speeds(rampartInProcess.name), peers, 'highest'), 3);
  const sidecars = SIDECARS.map((name) => speeds(name)).filter((figures) => figures.length > 0);
  const added = of(rampartInProcess.name, 1).map(
    (mine, round) => mine.p50Ms - (of(plaintext.name, 1)[round]?.p50Ms ?? Number.NaN),
  );
  const growth = (figures: ReadonlyMap<string, number>, base: string): number =>
    rounded((figures.get(rampartInProcess.name) ?? Number.NaN) - (figures.get(base) ?? Number.NaN), 1);
  return {
    ratios: {
      throughput_vs_handwritten_mtls: over([speeds(handwritten.name)]),
      ...(sidecars.length > 0 ? { throughput_vs_best_sidecar_pair: over(sidecars) } : {}),
    },
    added: {
      p50_ms_over_plaintext_at_1_connection: rounded(median(added), 3),
      rss_mb_over_plaintext: growth(loaded, plaintext.name),
      rss_idle_mb_over_plaintext: growth(idle, plaintext.name),
      rss_mb_over_handwritten_mtls: growth(loaded, handwritten.name),
      rss_grown_mb_over_plaintext: growth(grown, plaintext.name),
      rss_grown_mb_over_handwritten_mtls: growth(grown, handwritten.name),
    },
  };
}
