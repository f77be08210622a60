import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { moduleImports, packageOf } from '../check/walls/imports.ts';
import { parseSource } from '../check/source.ts';
import { repositoryRoot } from '../repository.ts';
import { outputFolder, readManifest } from './package.ts';
import type { PublishedPackage } from './package.ts';

/** Where `tsc -b` leaves its declarations, a folder a package. */
const typesRoot = join(repositoryRoot, '.build', 'types');

/**
 * Copies the declarations that a package's entries reach into `dist/types`, those of our other packages included,
 * and rewrites what they import to relative `.js` paths. Returns the npm packages that they still mention.
 */
export function copyDeclarations(published: PublishedPackage): string[] {
  const mentioned = new Set<string>();
  const queue = Object.values(published.entries).map((source) => declarationOf(published.folder, source));
  const seen = new Set(queue);
  for (const path of queue) {
    const text = readFileSync(path, 'utf8');
    let rewritten = text;
    for (const specifier of importsOf(path)) {
      const target = resolveDeclaration(path, specifier, published.keeps);
      if (target === undefined) {
        if (!specifier.startsWith('node:')) mentioned.add(packageOf(specifier));
        continue;
      }
      if (!seen.has(target)) queue.push(target);
      seen.add(target);
      rewritten = replaceSpecifier(rewritten, specifier, relativeImport(path, target));
    }
    const output = join(outputFolder(published), 'types', relative(typesRoot, path));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, rewritten.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
  }
  return [...mentioned].toSorted();
}

/** "./src/index.ts" of package "node" → ".build/types/node/index.d.ts". */
function declarationOf(folder: string, source: string): string {
  const inside = source.replace(/^\.\/src\//, '').replace(/\.ts$/, '.d.ts');
  // core is checked a second time without Node's types, and it is that project which emits its sources.
  const pure = join(typesRoot, `${folder}-pure`, inside);
  const path = existsSync(pure) ? pure : join(typesRoot, folder, inside);
  if (!existsSync(path)) throw new Error(`${relative(repositoryRoot, path)} is missing: tsc -b has not emitted it`);
  return path;
}

function importsOf(path: string): Set<string> {
  const source = parseSource(typesRoot, relative(typesRoot, path));
  return new Set(moduleImports(source).map(({ specifier }) => specifier));
}

function resolveDeclaration(from: string, specifier: string, keeps: readonly string[]): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(from), specifier.replace(/\.[jt]s$/, '.d.ts'));
  const name = packageOf(specifier);
  if (!name.startsWith('@rampart/') || keeps.includes(name)) return undefined;
  const folder = name.slice('@rampart/'.length);
  const subpath = specifier === name ? '.' : `.${specifier.slice(name.length)}`;
  const source = readManifest(join(repositoryRoot, 'packages', folder)).exports[subpath];
  if (source === undefined)
    throw new Error(`${relative(repositoryRoot, from)} imports ${specifier}, which ${name} does not export`);
  return declarationOf(folder, source);
}

function relativeImport(from: string, target: string): string {
  const path = relative(dirname(from), target)
    .split(sep)
    .join('/')
    .replace(/\.d\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}

function replaceSpecifier(text: string, from: string, to: string): string {
  return text.replaceAll(`'${from}'`, `'${to}'`).replaceAll(`"${from}"`, `"${to}"`);
}
