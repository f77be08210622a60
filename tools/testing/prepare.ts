import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../command.ts';
import { inParallel } from '../parallel.ts';
import { readManifest } from '../publish/package.ts';
import { repositoryRoot } from '../repository.ts';
import { ensureNode, testedMajors } from '../runtimes.ts';

/**
 * Installs the other Node lines before the scenarios that may ask for them start, so that no test pays for a download
 * and no two test processes install the same one. `files` are relative to the repository.
 */
export async function prepareRuntimes(files: readonly string[]): Promise<void> {
  if (!files.some((file) => file.startsWith('test/'))) return;
  for (const major of testedMajors) await ensureNode(major);
}

/**
 * Compiles what hundreds of processes will load, where Node keeps that. Node writes it when a process ends by itself, and the
 * longest tests, which come first, kill theirs. Sources are compiled once; `bundles` is the folder of what they are bundled into.
 */
export async function prepareCompileCache(cache: string, bundles: string): Promise<void> {
  const env = { NODE_COMPILE_CACHE: cache };
  const sources = existsSync(cache) ? [] : sourcesToLoad();
  const programs = [
    [join(bundles, 'main.js'), '--help'],
    ['--import', join(bundles, 'register.js'), '--eval', '0'],
    [join(bundles, 'server.js')],
  ];
  await inParallel([...sources, ...programs], availableParallelism(), (words) =>
    runCommand(process.execPath, words, { env }),
  );
}

function sourcesToLoad(): string[][] {
  const register = pathToFileURL(join(repositoryRoot, 'packages/node/src/register.ts')).href;
  const imports = `await Promise.all(${JSON.stringify(entries())}.map((entry) => import(entry)));`;
  return [
    ['packages/cli/src/main.ts', '--help'],
    ['--import', register, '--input-type=module', '--eval', imports],
  ];
}

/** What can be imported from packages, without those that do something when they are. */
function entries(): string[] {
  const packages = join(repositoryRoot, 'packages');
  return readdirSync(packages).flatMap((name) =>
    Object.entries(readManifest(join(packages, name)).exports)
      .filter(([subpath]) => subpath !== './register')
      .map(([, source]) => pathToFileURL(join(packages, name, source)).href),
  );
}
