import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';

/** Shorter ones are not worth a line. */
const shortestSeconds = 1;
/** Of a file that was never recorded, or that is short. */
export const usualSeconds = 0.5;

const record = join(import.meta.dirname, 'durations.json');

/** How long files took when that was last recorded, by path relative to the repository. */
export function recordedDurations(): ReadonlyMap<string, number> {
  if (!existsSync(record)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(record, 'utf8')) as Record<string, number>));
}

/** Keeps how long files took, so that the next plan knows; what it knew of others stays, and what is gone goes. */
export function recordDurations(seconds: ReadonlyMap<string, number>): void {
  const kept = [...recordedDurations(), ...seconds]
    .filter(([path]) => existsSync(join(repositoryRoot, path)))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, each]): [string, number] => [path, Math.round(each)]);
  const latest = [...new Map(kept)].filter(([, each]) => each >= shortestSeconds);
  writeFileSync(record, `${JSON.stringify(Object.fromEntries(latest), null, 2)}\n`);
}
