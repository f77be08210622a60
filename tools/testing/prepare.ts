import { readFileSync } from 'node:fs';
import { ensureNode, testedMajors } from '../runtimes.ts';

/**
 * Installs the other Node lines before the tests that ask for them start, so that no test pays for a download
 * and no two test processes install the same one.
 */
export async function prepareRuntimes(files: readonly string[]): Promise<void> {
  const wanted = files.some((file) => readFileSync(file, 'utf8').includes('tools/runtimes.ts'));
  if (!wanted) return;
  for (const major of testedMajors) await ensureNode(major);
}
