import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { lateRegex } from '../publish/late-regex.ts';
import { readManifest } from '../publish/package.ts';
import { plainBuiltins } from '../publish/plain-builtins.ts';
import { repositoryRoot } from '../repository.ts';
import { ENTRIES, places } from './entries.ts';

/** Bundles every entry into `<folder>/lib`, one file each and chunks for what they share; gives the files that were read for it. */
export async function bundleInto(folder: string): Promise<ReadonlySet<string>> {
  const sources = new Set<string>();
  const build = await rolldown({
    cwd: repositoryRoot,
    input: { ...ENTRIES },
    platform: 'node',
    plugins: [
      places(),
      lateRegex(),
      plainBuiltins(),
      {
        name: 'sources',
        transform: (_code, id) => {
          if (!id.startsWith('\0')) sources.add(id);
        },
      },
    ],
    // A busy machine is nothing that is wrong with the bundle.
    checks: { bundlerTimings: false },
    onLog(level, log) {
      // Plugins replace words within lines: which line it was stays true.
      if (level === 'warn' && log.code !== 'SOURCEMAP_BROKEN')
        throw new Error(`bundling the repository: ${log.message}`);
    },
  });
  await build.write({
    dir: join(folder, 'lib'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name]-[hash].js',
    sourcemap: true,
  });
  await build.close();
  // The command reads its version where its package is.
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ ...readManifest(join(repositoryRoot, 'packages/cli')) }),
  );
  return sources;
}
