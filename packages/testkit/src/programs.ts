import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A program of the repository, as a file to start: its bundle, which starts three times as fast, where the test runner says that it has
 * made bundles, else `source`.
 */
export function programFile(name: string, source: URL): string {
  const bundles = process.env['TEST_BUNDLES'];
  return bundles === undefined ? fileURLToPath(source) : join(bundles, `${name}.js`);
}
