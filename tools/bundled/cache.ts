import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';
import { entryOf } from './entries.ts';
import { putInPlace } from './place.ts';
import { areUnchanged, stampsOf } from './sources.ts';
import type { Stamp } from './sources.ts';

const CACHE = join(repositoryRoot, 'node_modules/.cache/rampart-bundles');
const CURRENT = join(CACHE, 'current.json');
/** Processes that run from bundles may load a part of them late: old ones are kept for as long as any of those may run. */
const keptMilliseconds = 24 * 3_600_000;

interface Current {
  readonly folder: string;
  readonly stamps: readonly Stamp[];
}

/**
 * Folder with a bundle of every program of the repository, made of the sources as they are now: a third of a program's start is left
 * when hundreds of modules need not be found, read and linked. Where a source has changed since the last time, it is made anew.
 */
export async function freshBundles(): Promise<string> {
  const current = readCurrent();
  if (current !== undefined && existsSync(current.folder) && areUnchanged(current.stamps)) return current.folder;
  return makeBundles();
}

/** The bundle of a program, by the absolute path of its source; undefined for a source that is not bundled. */
export async function bundleOf(path: string): Promise<string | undefined> {
  const name = entryOf(path);
  return name === undefined ? undefined : join(await freshBundles(), `${name}.js`);
}

function readCurrent(): Current | undefined {
  try {
    return JSON.parse(readFileSync(CURRENT, 'utf8')) as Current;
  } catch {
    return undefined;
  }
}

async function makeBundles(): Promise<string> {
  // Loaded only here: most starts have nothing to bundle.
  const { bundleInto } = await import('./bundle.ts');
  const begun = join(CACHE, `making-${process.pid}`);
  mkdirSync(begun, { recursive: true });
  const before = Date.now();
  const sources = await bundleInto(begun);
  const stamps = stampsOf(sources);
  const name = createHash('sha256').update(JSON.stringify(stamps)).digest('hex').slice(0, 16);
  const folder = join(CACHE, name);
  removeOld(name);
  putInPlace(begun, folder);
  const lib = join(folder, 'lib');
  // What was changed while it was read is nobody's current state.
  if (stamps.some(([, changed]) => changed >= before)) return lib;
  writeFileSync(`${begun}.json`, JSON.stringify({ folder: lib, stamps } satisfies Current));
  renameSync(`${begun}.json`, CURRENT);
  return lib;
}

function removeOld(name: string): void {
  for (const each of readdirSync(CACHE)) {
    const path = join(CACHE, each);
    // Other makers are at work here, too.
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    const unused = each !== name && path !== CURRENT && Date.now() - changed > keptMilliseconds;
    if (unused) rmSync(path, { recursive: true, force: true });
  }
}
