import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BUILD = fileURLToPath(new URL('../../../tools/build.ts', import.meta.url));

/** The in-process data plane as it is published: bundled, no types to strip. There after `bundlePublished`. */
export const REGISTER: string = new URL('../../../packages/node/dist/lib/register.js', import.meta.url).href;
/** The command line as it is published. */
export const CLI: string = fileURLToPath(new URL('../../../packages/cli/dist/lib/main.js', import.meta.url));

/** Bundles what goes to npm from the sources as they are now, so that nobody measures an older build. */
export async function bundlePublished(environment: NodeJS.ProcessEnv): Promise<void> {
  await promisify(execFile)(process.execPath, [BUILD, '--code-only'], { env: environment });
}
