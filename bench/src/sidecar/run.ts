import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { medianSample, rounded, versusBest } from '../harness/figures.ts';
import type { Sample } from '../harness/figures.ts';
import { cpuMicros, residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { ensureProgram } from '../inprocess/peers/proxy-pair.ts';
import { writePki } from '../inprocess/pki.ts';
import { NGINX, startApp } from './app.ts';
import { bareRelay } from './bare-relay.ts';
import { direct } from './pair.ts';
import type { ProxyPair, RunningPair } from './pair.ts';
import { PEERS } from './peers.ts';
import { rampartSidecars } from './rampart.ts';
import { wrk } from './wrk.ts';

const PAIRS: readonly ProxyPair[] = [direct, rampartSidecars, bareRelay, ...PEERS];
const CONNECTIONS = [1, 50, 200] as const;
const POST_BYTES = 10_240;

type Method = 'GET' | 'POST';

/** Rounds of one pair with one number of connections and one method. */
interface Series {
  readonly name: string;
  readonly connections: number;
  readonly method: Method;
  readonly samples: Sample[];
}

/** Result in the form of every benchmark: subjects side by side, and ratios. */
export async function benchSidecar(options: RunOptions): Promise<Record<string, unknown>> {
  const missing = ensureProgram({ program: 'wrk', debianPackage: 'wrk' }) ?? ensureProgram(NGINX);
  if (missing !== undefined) return { subjects: [missing], ratios: {} };
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-sidecar-'));
  await writePki(directory);
  const script = join(directory, 'post.lua');
  writeFileSync(script, `wrk.method = "POST"\nwrk.body = string.rep("x", ${POST_BYTES})\n`);
  const app = await startApp(directory);
  const running = new Map<string, RunningPair>();
  const absent: Record<string, unknown>[] = [];
  try {
    for (const pair of PAIRS) {
      options.progress(`starting ${pair.name}`);
      const started = await pair.start({ directory, environment: options.environment, app: app.port });
      if ('absent' in started) absent.push({ name: pair.name, absent: started.absent });
      else running.set(pair.name, started);
    }
    const series = await rounds(running, script, options);
    return { subjects: [...series.map((each) => report(each, running)), ...absent], ratios: ratios(series) };
  } finally {
    for (const pair of running.values()) await pair.stop();
    await app.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function rounds(
  running: ReadonlyMap<string, RunningPair>,
  script: string,
  options: RunOptions,
): Promise<Series[]> {
  const count = options.quick ? 1 : 5;
  const seconds = options.quick ? 1 : 2;
  const kinds = CONNECTIONS.flatMap((connections) =>
    (['GET', 'POST'] as const).map((method) => ({ connections, method })),
  );
  const series = kinds.flatMap((kind) => [...running.keys()].map((name): Series => ({ name, ...kind, samples: [] })));
  for (const name of running.keys()) {
    const pair = running.get(name);
    if (pair !== undefined) await wrk({ port: pair.port, connections: 50, seconds });
  }
  for (let round = 1; round <= count; round += 1) {
    options.progress(`round ${round} of ${count}`);
    for (const each of series) {
      const pair = running.get(each.name);
      if (pair !== undefined) each.samples.push(await sample(pair, each, { script, seconds }));
    }
  }
  return series;
}

async function sample(
  { port, pids }: RunningPair,
  { name, connections, method }: Series,
  { script, seconds }: { readonly script: string; readonly seconds: number },
): Promise<Sample> {
  const before = totalCpu(pids);
  const load = { port, connections, seconds, ...(method === 'POST' ? { script } : {}) };
  const outcome = await wrk(load).catch((cause: unknown) => {
    throw new Error(`${name}: ${method} over ${connections} connections failed`, { cause });
  });
  return { ...outcome, cpuMicrosPerRequest: (totalCpu(pids) - before) / outcome.requests };
}

function totalCpu(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
}

function report(
  { name, connections, method, samples }: Series,
  running: ReadonlyMap<string, RunningPair>,
): Record<string, unknown> {
  const figures = medianSample(samples);
  const memory = (running.get(name)?.pids ?? []).map((pid) => residentMegabytes(pid));
  return {
    name,
    connections,
    method,
    requests_per_second: rounded(figures.requestsPerSecond, 0),
    p50_ms: rounded(figures.p50Ms, 3),
    p99_ms: rounded(figures.p99Ms, 3),
    cpu_us_per_request: rounded(figures.cpuMicrosPerRequest, 1),
    ...(memory.length === 0 ? {} : { rss_mb_per_proxy: rounded(Math.max(...memory), 1) }),
  };
}

/** Of GET. */
function ratios(series: readonly Series[]): Record<string, number> {
  const figures = (name: string, connections: number, figure: (sample: Sample) => number): number[] =>
    series
      .filter((each) => each.name === name && each.connections === connections && each.method === 'GET')
      .flatMap(({ samples }) => samples.map(figure));
  const throughput = (mine: string, connections: number): number => {
    const of = (name: string): number[] => figures(name, connections, (sample) => sample.requestsPerSecond);
    return rounded(versusBest(of(mine), present(of), 'highest'), 3);
  };
  const p99 = (name: string): number[] => figures(name, 200, (sample) => sample.p99Ms);
  return {
    throughput_vs_best_peer_c50: throughput(rampartSidecars.name, 50),
    throughput_vs_best_peer_c200: throughput(rampartSidecars.name, 200),
    bare_relay_vs_best_peer_c50: throughput(bareRelay.name, 50),
    bare_relay_vs_best_peer_c200: throughput(bareRelay.name, 200),
    p99_vs_best_peer_c200: rounded(versusBest(p99(rampartSidecars.name), present(p99), 'lowest'), 3),
  };
}

function present(figures: (name: string) => number[]): number[][] {
  return PEERS.map(({ name }) => figures(name)).filter((each) => each.length > 0);
}
