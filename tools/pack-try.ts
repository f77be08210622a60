import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from './publish/install.ts';
import { outputFolder, publishedPackages } from './publish/package.ts';
import { buildPackage, compileDeclarations } from './publish/publishable.ts';
import { tryAlone, tryDeclarations, tryInMesh, tryVersion } from './publish/trials.ts';
import type { Trial } from './publish/trials.ts';

/** Builds the packages, installs them as a stranger would, and uses them from there. */
function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const trials: readonly { readonly what: string; readonly run: Trial }[] = [
  { what: 'rampart --version', run: tryVersion },
  { what: 'declarations compile in a stranger’s project', run: tryDeclarations },
  { what: 'a service without a control plane starts, says how to configure it, and serves nobody', run: tryAlone },
  { what: 'two services call each other over the mesh of `rampart up`', run: tryInMesh },
];

const packages = publishedPackages();
const folder = mkdtempSync(join(tmpdir(), 'rampart-pack-try-'));
let failed = 0;
try {
  await compileDeclarations(packages);
  for (const published of packages) say(`built ${await buildPackage(published)}`);
  await installPackages(folder, packages.map(outputFolder));
  say(`installed both into an empty folder`);
  for (const { what, run } of trials) {
    const problem = await run(folder).catch((error: unknown) => String(error));
    if (problem !== undefined) failed += 1;
    say(problem === undefined ? `ok      ${what}` : `FAILED  ${what}: ${problem}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(failed === 0 ? 'pack:try: ok' : `pack:try: ${failed} of ${trials.length} FAILED`);
process.exitCode = failed === 0 ? 0 : 1;
