import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../command.ts';
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
 * longest tests, which come first, kill theirs. Nothing is done where it was kept before, or for a few files.
 */
export async function prepareCompileCache(cache: string, processes: number): Promise<void> {
  if (processes < 20 || existsSync(cache)) return;
  const env = { NODE_COMPILE_CACHE: cache };
  const register = pathToFileURL(join(repositoryRoot, 'packages/node/src/register.ts')).href;
  const imports = `await Promise.all(${JSON.stringify(entries())}.map((entry) => import(entry)));`;
  await Promise.all([
    runCommand(process.execPath, ['packages/cli/src/main.ts', '--help'], { env }),
    runCommand(process.execPath, ['--import', register, '--input-type=module', '--eval', imports], { env }),
  ]);
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
