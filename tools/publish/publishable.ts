import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { runCommand } from '../command.ts';
import { repositoryRoot } from '../repository.ts';
import { bundlePackage } from './bundle.ts';
import { copyDeclarations } from './declarations.ts';
import { thirdPartyLicences } from './licences.ts';
import { publishedManifest } from './manifest.ts';
import { outputFolder } from './package.ts';
import type { PublishedPackage } from './package.ts';

/** Lays a package out as it goes to npm, and has publint look at it. Returns one line about what was built. */
export async function buildPackage(published: PublishedPackage): Promise<string> {
  const output = outputFolder(published);
  rmSync(output, { recursive: true, force: true });
  const bundle = await bundlePackage(published);
  const externals = [...new Set([...bundle.externals, ...copyDeclarations(published), ...published.keeps])].toSorted();
  if (published.selfContained && externals.length > 0) {
    throw new Error(`${published.manifest.name} must bring all it needs, but still asks for ${externals.join(', ')}`);
  }
  writeJson(
    join(output, 'package.json'),
    publishedManifest(published, { externals, bundled: bundle.bundledFolders.length > 0 }),
  );
  copyFileSync(join(repositoryRoot, 'LICENSE'), join(output, 'LICENSE'));
  const readme = join(repositoryRoot, 'packages', published.folder, 'README.md');
  if (existsSync(readme)) copyFileSync(readme, join(output, 'README.md'));
  if (bundle.bundledFolders.length > 0) {
    writeFileSync(join(output, 'THIRD_PARTY_LICENSES'), thirdPartyLicences(bundle.bundledFolders));
  }
  await lintPackage(output);
  const kilobytes = Math.round(bundle.bytes / 1024);
  return `${published.manifest.name} ${published.manifest.version}: ${kilobytes} KiB of JavaScript, ${externals.length} dependencies`;
}

/** The code of a package as it goes to npm, without declarations and unlinted. Returns one line about it. */
export async function layOutCode(published: PublishedPackage): Promise<string> {
  const output = outputFolder(published);
  rmSync(output, { recursive: true, force: true });
  const { externals, bundledFolders, bytes } = await bundlePackage(published);
  writeJson(
    join(output, 'package.json'),
    publishedManifest(published, { externals, bundled: bundledFolders.length > 0 }),
  );
  return `${published.manifest.name} ${published.manifest.version}: ${Math.round(bytes / 1024)} KiB of JavaScript`;
}

/** Declarations come from the compiler, so everything has to compile first. */
export async function compileDeclarations(packages: readonly PublishedPackage[]): Promise<void> {
  const projects = packages.map(({ folder }) => join('packages', folder));
  const { code, stdout } = await runCommand('tsc', ['-b', '--pretty', 'false', ...projects]);
  if (code !== 0) throw new Error(`tsc -b ${projects.join(' ')} failed:\n${stdout.trim()}`);
}

async function lintPackage(folder: string): Promise<void> {
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true, pack: 'npm' });
  const problems = messages.map((message) => formatMessage(message, pkg) ?? message.code);
  if (problems.length > 0) throw new Error(`publint of ${folder}:\n${problems.join('\n')}`);
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
