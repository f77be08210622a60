import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { repositoryRoot } from '../repository.ts';

/** What is started, or loaded into other processes, by the name of its bundle; paths are relative to the repository. */
export const ENTRIES: Readonly<Record<string, string>> = {
  main: 'packages/cli/src/main.ts',
  register: 'packages/node/src/register.ts',
  server: 'packages/server/src/index.ts',
  'query-process': 'packages/server/src/storage/sqlite/audit-sql/query-process.ts',
  'checkpoint-worker': 'packages/server/src/storage/sqlite/write-ahead-log/checkpoint-worker.ts',
  'commit-thread': 'packages/server/src/storage/sqlite/commit-thread/commit-thread.ts',
  'worker-process': 'packages/proxy/src/processes/worker-process.ts',
  start: 'examples/shop/src/start.ts',
  prepare: 'examples/shop/src/process/prepare.ts',
  'warm-orchestrator': 'examples/shop/src/process/warm-orchestrator.ts',
};

const byPath = new Map(Object.entries(ENTRIES).map(([name, path]) => [join(repositoryRoot, path), name]));
/** These read files that lie beside their sources. Packages do not: what they need, they bring into a bundle. */
const EXAMPLES = join(repositoryRoot, 'examples/');
const ASKED = /import\.meta\.resolve\('([^']+)'\)/g;

/** The name of the bundle that a source is the entry of. */
export function entryOf(path: string): string | undefined {
  return byPath.get(path);
}

/** Has bundles start each other, and find files of the example where its sources do. */
export function places(): Plugin {
  return {
    name: 'places',
    async transform(code, id) {
      if (!id.startsWith(repositoryRoot) || !code.includes('import.meta.')) return undefined;
      let moved = id.startsWith(EXAMPLES) ? code.replaceAll('import.meta.url', `'${pathToFileURL(id).href}'`) : code;
      for (const [asked, specifier = ''] of code.matchAll(ASKED)) {
        const name = entryOf((await this.resolve(specifier, id))?.id ?? '');
        if (name !== undefined) moved = moved.replaceAll(asked, `new URL('./${name}.js', import.meta.url).href`);
      }
      return moved;
    },
  };
}
