import { fileURLToPath } from 'node:url';

import type { Child } from '../harness/child.ts';
import { medianSample, rounded, versusBest } from '../harness/figures.ts';
import type { Sample } from '../harness/figures.ts';
import { cpuMicros } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import type { Balancer } from './peers.ts';

export const CALLERS_SCRIPT: string = fileURLToPath(new URL('callers.mjs', import.meta.url));
export const INSTANCES_SCRIPT: string = fileURLToPath(new URL('instances.mjs', import.meta.url));

/** So that every instance can do its share, the slow one too. */
const PER_SECOND = 400;
const OURS = 'rampart-p2c-ewma';

export interface BenchResult {
  readonly subjects: readonly Record<string, unknown>[];
  readonly ratios: Readonly<Record<string, number>>;
}

interface BalancingOptions {
  readonly balancers: readonly Balancer[];
  readonly callers: Child;
  readonly options: RunOptions;
}

/** One instance ten times slower than nine others: what callers wait for, by who shares their requests. */
export async function benchBalancing({ balancers, callers, options }: BalancingOptions): Promise<BenchResult> {
  const rounds = options.quick ? 1 : 5;
  const milliseconds = options.quick ? 2500 : 6000;
  const samples = new Map(balancers.map(({ name }): [string, Sample[]] => [name, []]));
  const load = async (
    balancer: Balancer,
    how: { readonly seed: number; readonly milliseconds: number },
  ): Promise<Sample> => {
    const { port, host, pids } = balancer;
    const before = totalCpu(pids);
    const outcome = await callers.ask({ port, host, perSecond: PER_SECOND, ...how });
    return sampleOf(balancer, outcome, totalCpu(pids) - before);
  };
  // Everybody has met every instance once before it counts.
  for (const balancer of balancers) await load(balancer, { seed: 1, milliseconds: 2000 });
  for (let round = 1; round <= rounds; round += 1) {
    options.progress(`balancing, round ${round} of ${rounds}`);
    for (const balancer of balancers)
      samples.get(balancer.name)?.push(await load(balancer, { seed: round, milliseconds }));
  }
  const subjects = [...samples].map(([name, all]) => {
    const { p50Ms, p99Ms, requestsPerSecond, cpuMicrosPerRequest } = medianSample(all);
    return {
      name,
      requests_per_second: rounded(requestsPerSecond, 0),
      p50_ms: rounded(p50Ms, 2),
      p99_ms: rounded(p99Ms, 2),
      cpu_us_per_request: rounded(cpuMicrosPerRequest, 1),
    };
  });
  return { subjects, ratios: ratios(samples) };
}

function sampleOf({ name }: Balancer, outcome: Record<string, unknown>, micros: number): Sample {
  const { requests, seconds, p50, p99, failures } = outcome as {
    requests: number;
    seconds: number;
    p50: number;
    p99: number;
    failures: { count: number; first: string };
  };
  if (failures.count > 0)
    throw new Error(`${name}: ${failures.count} requests failed, the first with ${failures.first}`);
  return {
    requestsPerSecond: requests / seconds,
    p50Ms: p50,
    p99Ms: p99,
    cpuMicrosPerRequest: micros / requests,
  };
}

function totalCpu(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
}

function ratios(samples: ReadonlyMap<string, readonly Sample[]>): Record<string, number> {
  const p99 = (of: readonly Sample[]): number[] => of.map(({ p99Ms }) => p99Ms);
  const others = [...samples].filter(([name]) => !name.startsWith('rampart-')).map(([, each]) => p99(each));
  if (others.length === 0) return {};
  return { p99_vs_best_peer_lb: rounded(versusBest(p99(samples.get(OURS) ?? []), others, 'lowest'), 3) };
}
