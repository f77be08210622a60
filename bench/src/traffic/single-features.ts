import { median, medianSample, rounded } from '../harness/figures.ts';
import type { Sample } from '../harness/figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { FEATURES, SINGLE } from './feature-rules.ts';
import type { BenchResult } from './balancing.ts';
import { inProcess, sidecar } from './features.ts';
import type { Runner } from './features.ts';
import type { TrafficMesh } from './mesh.ts';

/** wrk runs for whole seconds. */
const SIDECAR_MS = 1000;
const QUICK_MS = 300;
const WARM_MS = 2000;
/** Those that a quick run has time for. */
const IN_QUICK: ReadonlySet<string> = new Set(['match', 'headers', 'signature']);
const NOTHING = 'nothing';

/**
 * What each rule costs by itself, in processor time of both ends: the same callers and the same service, under one rule
 * after the other, and under none in each round.
 */
export async function benchSingleFeatures(mesh: TrafficMesh, options: RunOptions): Promise<BenchResult> {
  const runners = [sidecar(mesh, SINGLE), inProcess(mesh, SINGLE)];
  const rounds = options.quick ? 1 : 3;
  const times = [SIDECAR_MS, options.quick ? QUICK_MS : SIDECAR_MS];
  const samples = new Map<string, Sample[]>();
  const measure = async (feature: string): Promise<void> => {
    for (const [at, runner] of runners.entries()) {
      const name = nameOf(runner, feature);
      const sample = await runner.run(times[at] ?? SIDECAR_MS);
      samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  };
  const features = Object.entries(FEATURES).filter(([feature]) => !options.quick || IN_QUICK.has(feature));
  for (const runner of runners) await runner.run(options.quick ? SIDECAR_MS : WARM_MS);
  for (let round = 1; round <= rounds; round += 1) {
    options.progress(`features one by one, round ${round} of ${rounds}`);
    await measure(NOTHING);
    for (const [feature, documents] of features) {
      await mesh.operator.enforce(documents.map(({ text }) => text).join('\n---\n'));
      await measure(feature);
      await mesh.operator.withdraw(documents);
    }
  }
  const subjects = runners.flatMap((runner) => {
    const none = samples.get(nameOf(runner, NOTHING)) ?? [];
    return [NOTHING, ...features.map(([feature]) => feature)].map((feature) => {
      const all = samples.get(nameOf(runner, feature)) ?? [];
      const added = all.map((each, at) => each.cpuMicrosPerRequest - (none[at]?.cpuMicrosPerRequest ?? Number.NaN));
      return {
        name: nameOf(runner, feature),
        requests_per_second: rounded(medianSample(all).requestsPerSecond, 0),
        cpu_us_per_request: rounded(medianSample(all).cpuMicrosPerRequest, 1),
        added_cpu_us_per_request: rounded(median(added), 1),
      };
    });
  });
  return { subjects, ratios: {} };
}

function nameOf({ name }: Runner, feature: string): string {
  return `${name}-${feature}`;
}
