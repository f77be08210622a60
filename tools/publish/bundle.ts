import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';
import { packageOf } from '../check/walls/imports.ts';
import { repositoryRoot } from '../repository.ts';
import { lateRegex, REGEX_ENGINE } from './late-regex.ts';
import { outputFolder } from './package.ts';
import type { PublishedPackage } from './package.ts';
import { plainBuiltins } from './plain-builtins.ts';

const NAMES = { function: true, class: true } as const;

export interface Bundle {
  /** npm packages that the code imports at run time. */
  readonly externals: readonly string[];
  /** Folders of third-party packages whose code is inside. */
  readonly bundledFolders: readonly string[];
  readonly bytes: number;
}

/** Bundles a package's entries and programs into `dist/lib`, one file each and chunks for what they share. */
export async function bundlePackage(published: PublishedPackage): Promise<Bundle> {
  const folder = join(repositoryRoot, 'packages', published.folder);
  const sources = [...Object.values(published.entries), ...Object.values(published.programs), ...published.processes];
  const build = await rolldown({
    input: Object.fromEntries(sources.map((source) => [stem(source), join(folder, source)])),
    platform: 'node',
    external: (id, _importer, isResolved) => !isResolved && staysOutside(id, published),
    plugins: [lateRegex(), plainBuiltins()],
    transform: { target: oldestNode(published) },
    // A busy machine is nothing that is wrong with the bundle.
    checks: { bundlerTimings: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling ${published.manifest.name}: ${log.message}`);
    },
  });
  const library = join(outputFolder(published), 'lib');
  const { output } = await build.write({
    dir: library,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name]-[hash].js',
    // V8 keeps the source and the names of variables in memory: two bytes a character if one of them is not Latin-1. Names
    // of functions and lines stay, for stack traces.
    comments: false,
    minify: {
      compress: { keepNames: NAMES },
      mangle: { toplevel: false, keepNames: NAMES },
      codegen: { asciiOnly: true, removeWhitespace: false },
    },
  });
  await build.close();
  for (const source of Object.values(published.programs)) makeProgram(join(library, `${stem(source)}.js`));
  const chunks = output.filter((item) => item.type === 'chunk');
  const imported = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  const own = new Set(chunks.map(({ fileName }) => fileName));
  const externals = imported.filter((id) => !own.has(id) && !isBuiltin(id)).map(packageOf);
  return {
    externals: [...new Set(externals)].toSorted(),
    bundledFolders: [...new Set(chunks.flatMap(({ moduleIds }) => moduleIds.flatMap(thirdPartyFolder)))].toSorted(),
    bytes: chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0),
  };
}

/** "./src/register.ts" → "register". */
export function stem(source: string): string {
  return basename(source, '.ts');
}

/** ">=22.18" → "node22.18": syntax that the oldest supported Node lacks is rewritten. */
function oldestNode({ manifest }: PublishedPackage): string {
  return `node${/[\d.]+/.exec(manifest.engines['node'] ?? '')?.[0] ?? '22'}`;
}

function isBuiltin(id: string): boolean {
  return id.startsWith('node:') || builtinModules.includes(id);
}

function staysOutside(id: string, { keeps, selfContained }: PublishedPackage): boolean {
  if (id.startsWith('.') || id.startsWith('/') || id === REGEX_ENGINE) return false;
  if (isBuiltin(id) || keeps.includes(packageOf(id))) return true;
  return !selfContained && !id.startsWith('@rampart/');
}

function makeProgram(path: string): void {
  const code = readFileSync(path, 'utf8');
  if (!code.startsWith('#!')) writeFileSync(path, `#!/usr/bin/env node\n${code}`);
  chmodSync(path, 0o755);
}

/** "…/node_modules/@scope/name/index.js" → "…/node_modules/@scope/name"; nothing for code of ours. */
function thirdPartyFolder(moduleId: string): string[] {
  const marker = '/node_modules/';
  const at = moduleId.lastIndexOf(marker);
  if (at === -1) return [];
  return [moduleId.slice(0, at + marker.length) + packageOf(moduleId.slice(at + marker.length))];
}
