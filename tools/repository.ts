import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository this file belongs to. */
export const repositoryRoot: string = fileURLToPath(new URL('..', import.meta.url));

const notSources: ReadonlySet<string> = new Set([
  'node_modules',
  '.git',
  '.build',
  'dist',
  'gen',
  'canaries',
  '.rampart',
  'seeds-cache',
]);

/**
 * Every file under `root` that people wrote, as sorted paths relative to `root` with forward slashes.
 * Installed, built and generated folders are left out, and so are the canaries, which are wrong on purpose.
 */
export function writtenFiles(root: string, extensions: readonly string[]): string[] {
  const found: string[] = [];
  collect(root, extensions, found);
  return found.map((path) => relative(root, path).split(sep).join('/')).sort();
}

function collect(folder: string, extensions: readonly string[], found: string[]): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!notSources.has(entry.name)) collect(path, extensions, found);
    } else if (extensions.some((extension) => entry.name.endsWith(extension))) {
      found.push(path);
    }
  }
}

/** A test may do what production code may not (import any package, build broken input). */
export function isTest(path: string): boolean {
  return /\.test\.[cm]?[jt]s$/.test(path) || path.startsWith('test/');
}
