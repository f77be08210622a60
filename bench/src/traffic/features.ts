import { median, medianSample, rounded } from '../harness/figures.ts';
import type { Sample } from '../harness/figures.ts';
import { cpuMicros } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { wrk } from '../sidecar/wrk.ts';
import type { BenchResult } from './balancing.ts';
import type { TrafficMesh } from './mesh.ts';
import { hostOf, QUICK } from './rules.ts';
import type { CallerNamespace } from './rules.ts';

const CONNECTIONS = 50;
const WARM_MS = 1000;
const NAMES = { plain: 'no-features', all: 'all-features', single: 'only' } as const;

export interface Runner {
  readonly name: string;
  /** For one stretch of time. */
  run(milliseconds: number): Promise<Sample>;
}

/** What rules cost that ask for everything, beside none: through a sidecar, and in process. */
export async function benchFeatures(mesh: TrafficMesh, options: RunOptions): Promise<BenchResult> {
  const runners = (['plain', 'all'] as const).flatMap((namespace) => [
    sidecar(mesh, namespace),
    inProcess(mesh, namespace),
  ]);
  const rounds = options.quick ? 1 : 7;
  const milliseconds = options.quick ? 1000 : 2000;
  const samples = new Map(runners.map(({ name }): [string, Sample[]] => [name, []]));
  for (const runner of runners) await runner.run(WARM_MS);
  for (let round = 1; round <= rounds; round += 1) {
    options.progress(`features, round ${round} of ${rounds}`);
    for (const runner of runners) samples.get(runner.name)?.push(await runner.run(milliseconds));
  }
  const subjects = [...samples].map(([name, all]) => {
    const { p50Ms, p99Ms, requestsPerSecond, cpuMicrosPerRequest } = medianSample(all);
    return {
      name,
      requests_per_second: rounded(requestsPerSecond, 0),
      p50_ms: rounded(p50Ms, 3),
      p99_ms: rounded(p99Ms, 3),
      cpu_us_per_request: rounded(cpuMicrosPerRequest, 1),
    };
  });
  const ratio = (way: string): number => {
    const none = samples.get(`rampart-${way}-${NAMES.plain}`) ?? [];
    const all = samples.get(`rampart-${way}-${NAMES.all}`) ?? [];
    return rounded(
      median(all.map((each, at) => each.requestsPerSecond / (none[at]?.requestsPerSecond ?? Number.NaN))),
      3,
    );
  };
  return {
    subjects,
    ratios: {
      throughput_all_features_vs_none: ratio('sidecar'),
      throughput_all_features_vs_none_inprocess: ratio('inprocess'),
    },
  };
}

/** Requests through a sidecar. */
export function sidecar({ sidecars, service }: TrafficMesh, namespace: keyof typeof NAMES & CallerNamespace): Runner {
  return {
    name: `rampart-sidecar-${NAMES[namespace]}`,
    run: async (milliseconds) => {
      const { proxyPort = 0, pids: own = [] } = sidecars.get(namespace) ?? {};
      const pids = namespace === 'single' ? [...own, ...service.pids] : own;
      const before = totalCpu(pids);
      const load = { port: proxyPort, host: hostOf(QUICK), connections: CONNECTIONS, seconds: milliseconds / 1000 };
      const outcome = await wrk(load);
      return { ...outcome, cpuMicrosPerRequest: (totalCpu(pids) - before) / outcome.requests };
    },
  };
}

/** Requests of a program with the mesh in its own process. */
export function inProcess({ clients, service }: TrafficMesh, namespace: keyof typeof NAMES & CallerNamespace): Runner {
  const name = `rampart-inprocess-${NAMES[namespace]}`;
  return {
    name,
    run: async (milliseconds) => {
      const client = clients.get(namespace);
      if (client === undefined) throw new Error(`there is no client in ${namespace}`);
      const pids = namespace === 'single' ? [client.pid, ...service.pids] : [client.pid];
      const before = totalCpu(pids);
      const answer = await client.ask({ url: `http://${hostOf(QUICK)}`, connections: CONNECTIONS, milliseconds });
      const { requests, seconds, p50, p99, failures } = answer as {
        requests: number;
        seconds: number;
        p50: number;
        p99: number;
        failures: { count: number; first: string };
      };
      if (failures.count > 0)
        throw new Error(`${name}: ${failures.count} requests failed, the first with ${failures.first}`);
      const cpuMicrosPerRequest = (totalCpu(pids) - before) / requests;
      return { requestsPerSecond: requests / seconds, p50Ms: p50, p99Ms: p99, cpuMicrosPerRequest };
    },
  };
}

function totalCpu(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
}
