import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';

/** What a file was when it was read: when it was changed, in milliseconds, and its size. */
export type Stamp = readonly [path: string, changed: number, bytes: number];

/** What says how sources are put together without being one of them: manifests, the lockfile, and the bundler's own settings. */
const beside: readonly string[] = [
  'package.json',
  'tsconfig.base.json',
  'package-lock.json',
  '{packages,examples}/*/{package,tsconfig}.json',
  'tools/bundled/*.ts',
  'tools/publish/{late-regex,plain-builtins}.ts',
];

/** Stamps of these sources and of what stands beside them, sorted by path. */
export function stampsOf(sources: Iterable<string>): Stamp[] {
  const others = globSync(beside, { cwd: repositoryRoot }).map((path) => join(repositoryRoot, path));
  return [...new Set([...sources, ...others])].toSorted().map(stampOf);
}

/** Whether every file still is what it was. */
export function areUnchanged(stamps: readonly Stamp[]): boolean {
  return stamps.every((stamp) => {
    const [, changed, bytes] = stampOf(stamp[0]);
    return changed === stamp[1] && bytes === stamp[2];
  });
}

/** A file that is gone has never been changed, and holds nothing. */
function stampOf(path: string): Stamp {
  const found = statSync(path, { throwIfNoEntry: false });
  return [path, (isInstalled(path) ? found?.ctimeMs : found?.mtimeMs) ?? 0, found?.size ?? -1];
}

/** npm sets the time of change of all that it unpacks to the same day; to programs of ours it does no more than make them executable. */
function isInstalled(path: string): boolean {
  return path.includes('/node_modules/');
}
