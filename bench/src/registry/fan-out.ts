import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { median, rounded } from '../harness/figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import type { Subject } from './subjects.ts';

const LOAD = fileURLToPath(new URL('load-process.ts', import.meta.url));
const FLEETS = [1000, 10_000];
const QUICK_FLEETS = [1000];
const CHANGES = 20;
/** Instances of the service that is watched; it is there already. */
const WATCHED = 7;
/** Far from every instance that the rounds registered. */
const FIRST_CHANGE = 50_000_000;

/** How long after a change is asked for its watchers know of it, by subject. */
export async function measureFanOut(
  series: readonly { readonly subject: Subject }[],
  { quick, environment, progress }: RunOptions,
): Promise<ReadonlyMap<string, object>> {
  const found = new Map<string, object>();
  for (const { subject } of series) {
    const figures: Record<string, number> = {};
    // Each is a new one for all fleets: to register again what is registered changes nothing.
    let instance = FIRST_CHANGE;
    for (const watchers of quick ? QUICK_FLEETS : FLEETS) {
      progress(`${subject.name}: one change to ${watchers} watchers`);
      const { child } = await Child.start({ script: LOAD, args: [] }, environment);
      try {
        await child.ask({ kind: 'connect', reach: subject.reach, callers: 1 });
        await child.ask({ kind: 'watch', watchers, service: WATCHED });
        const p99: number[] = [];
        for (let change = 0; change < (quick ? CHANGES / 4 : CHANGES); change += 1) {
          const answer = await child.ask({ kind: 'change', instance, service: WATCHED });
          instance += 1;
          p99.push(Number(answer['p99']));
        }
        figures[`fan_out_${watchers}_p99_ms`] = rounded(median(p99), 1);
      } finally {
        await child.stop();
      }
    }
    found.set(subject.name, figures);
  }
  return found;
}
