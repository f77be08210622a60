import { ensureNode, testedMajors } from '../runtimes.ts';

/**
 * Installs the other Node lines before the scenarios that may ask for them start, so that no test pays for a download
 * and no two test processes install the same one. `files` are relative to the repository.
 */
export async function prepareRuntimes(files: readonly string[]): Promise<void> {
  if (!files.some((file) => file.startsWith('test/'))) return;
  for (const major of testedMajors) await ensureNode(major);
}
