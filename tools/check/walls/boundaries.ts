import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { isTest, writtenFiles } from '../../repository.ts';
import { readAllowedImports } from './allowed-imports.ts';
import type { AllowedImports } from './allowed-imports.ts';
import type { Checker, Finding } from '../checker.ts';
import { moduleImports, packageOf } from './imports.ts';
import type { ModuleImport } from './imports.ts';
import { parseSource } from '../source.ts';

interface WorkspacePackage {
  /** Folder name under packages/. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
}

interface Walls {
  readonly allowed: AllowedImports;
  /** npm name → folder. */
  readonly folders: ReadonlyMap<string, string>;
}

/** docs/architecture.md says which package may import which; every manifest, project reference and import keeps to it. */
export const boundaries: Checker = {
  name: 'boundaries',
  what: 'imports and manifests against docs/architecture.md',
  check(root) {
    const packages = readPackages(root);
    const walls: Walls = {
      allowed: readAllowedImports(readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')),
      folders: new Map(packages.map(({ name, folder }) => [name, folder])),
    };
    const findings: Finding[] = [];
    let files = 0;
    for (const workspace of packages) {
      findings.push(...checkManifest(root, workspace, walls));
      const sources = writtenFiles(join(root, 'packages', workspace.folder), ['.ts', '.mts', '.js', '.mjs']);
      files += sources.length;
      for (const source of sources) findings.push(...checkFile(root, { workspace, path: source, walls }));
    }
    return Promise.resolve({ files, findings });
  },
};

function readPackages(root: string): WorkspacePackage[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'packages', entry.name, 'package.json')))
    .map(({ name: folder }) => {
      const manifest = readJson(join(root, 'packages', folder, 'package.json'));
      return {
        folder,
        name: String(manifest['name']),
        dependencies: new Set(Object.keys(manifest['dependencies'] ?? {})),
        devDependencies: new Set(Object.keys(manifest['devDependencies'] ?? {})),
      };
    });
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

function checkManifest(root: string, workspace: WorkspacePackage, walls: Walls): Finding[] {
  const file = `packages/${workspace.folder}/package.json`;
  const findings: Finding[] = [];
  if (!walls.allowed.has(workspace.folder)) {
    findings.push({
      file,
      line: 0,
      rule: 'no-row',
      message: 'the package table of docs/architecture.md has no row for this package',
    });
  }
  const joined = [...workspace.dependencies].flatMap((name) => walls.folders.get(name) ?? []);
  for (const folder of joined) {
    if (mayImport(walls, workspace.folder, folder)) continue;
    findings.push({
      file,
      line: 0,
      rule: 'forbidden-dependency',
      message: `${workspace.folder} may not depend on ${folder}`,
    });
  }
  const project = `packages/${workspace.folder}/tsconfig.json`;
  const references = existsSync(join(root, project)) ? readJson(join(root, project))['references'] : [];
  const referenced = new Set((references as { path: string }[]).map(({ path }) => posix.basename(path)));
  for (const folder of joined.filter((each) => !referenced.has(each))) {
    findings.push({
      file: project,
      line: 0,
      rule: 'missing-reference',
      message: `package.json depends on ${folder}, "references" does not`,
    });
  }
  return findings;
}

function mayImport(walls: Walls, from: string, to: string): boolean {
  if (!walls.allowed.has(from)) return false;
  const allowed = walls.allowed.get(from);
  return allowed === undefined || allowed.has(to);
}

interface FileToCheck {
  readonly workspace: WorkspacePackage;
  /** Relative to the package. */
  readonly path: string;
  readonly walls: Walls;
}

function checkFile(root: string, { workspace, path, walls }: FileToCheck): Finding[] {
  const file = `packages/${workspace.folder}/${path}`;
  const source = parseSource(root, file);
  const broken = source.errors.map(({ message }) => ({ file, line: 0, rule: 'unreadable', message }));
  const found = moduleImports(source).flatMap((each): Finding[] => {
    const problem = judge(each, { workspace, path, walls });
    return problem === undefined ? [] : [{ file, line: each.line, ...problem }];
  });
  return [...broken, ...found];
}

function judge(
  { specifier }: ModuleImport,
  { workspace, path, walls }: FileToCheck,
): { rule: string; message: string } | undefined {
  if (specifier.startsWith('.')) {
    const inside = !posix.normalize(posix.join(posix.dirname(path), specifier)).startsWith('..');
    return inside
      ? undefined
      : { rule: 'relative-escape', message: `"${specifier}" leaves the package: import it by package name` };
  }
  if (isTest(path)) return undefined;
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    if (workspace.folder !== 'core') return undefined;
    return { rule: 'core-is-pure', message: `core must run in a browser too: no "${specifier}"` };
  }
  const name = packageOf(specifier);
  if (name === workspace.name) return undefined;
  const folder = walls.folders.get(name);
  if (folder !== undefined && !mayImport(walls, workspace.folder, folder)) {
    return { rule: 'forbidden-import', message: `${workspace.folder} may not import ${folder} (docs/architecture.md)` };
  }
  if (workspace.dependencies.has(name) || (folder === undefined && workspace.devDependencies.has(name)))
    return undefined;
  return {
    rule: 'undeclared-import',
    message: `"${name}" is not in the dependencies of packages/${workspace.folder}/package.json`,
  };
}
