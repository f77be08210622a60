import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';
import { stem } from './bundle.ts';
import { readManifest } from './package.ts';
import type { PublishedPackage } from './package.ts';

interface Contents {
  /** npm packages that the code or its declarations ask for. */
  readonly externals: readonly string[];
  /** Third-party code is inside. */
  readonly bundled: boolean;
}

/** The package.json that goes to npm: JavaScript and declarations instead of sources, and no workspace packages. */
export function publishedManifest(published: PublishedPackage, { externals, bundled }: Contents): object {
  const { name, version, description, license, engines } = published.manifest;
  const entries = Object.entries(published.entries).map(([subpath, source]): [string, object] => {
    const types = `./types/${published.folder}/${stem(source)}.d.ts`;
    return [subpath, { types, default: `./lib/${stem(source)}.js` }];
  });
  const programs = Object.entries(published.programs).map(([program, source]): [string, string] => [
    program,
    `lib/${stem(source)}.js`,
  ]);
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines,
    exports: Object.fromEntries<object | string>([...entries, ['./package.json', './package.json']]),
    ...(programs.length > 0 ? { bin: Object.fromEntries(programs) } : {}),
    files: ['lib', 'types', ...(bundled ? ['THIRD_PARTY_LICENSES'] : [])],
    ...(externals.length > 0 ? { dependencies: dependenciesOf(published, externals) } : {}),
  };
}

/** Versions come from the manifests of the packages that were bundled: there is no second list to keep in step. */
function dependenciesOf(published: PublishedPackage, externals: readonly string[]): Record<string, string> {
  const known = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const [name, version] of Object.entries(readManifest(join(repositoryRoot, 'packages', folder)).dependencies)) {
      if (known.has(name)) continue;
      known.set(name, version);
      if (name.startsWith('@rampart/')) visit(name.slice('@rampart/'.length));
    }
  };
  visit(published.folder);
  return Object.fromEntries(
    externals.map((name) => {
      const version = known.get(name);
      if (version === undefined) throw new Error(`${published.manifest.name} uses ${name}, which no manifest lists`);
      return [name, version];
    }),
  );
}
