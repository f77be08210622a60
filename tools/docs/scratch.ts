import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a reader's commands write stays out of the repository. */
const notLinked: ReadonlySet<string> = new Set(['.git', '.build', '.rampart']);

/**
 * A folder that looks like a checkout with everything installed: links to the repository's files, so that it costs
 * nothing, and what commands write into their working folder lands beside them and not in the repository.
 */
export function scratchCheckout(root: string): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'rampart-docs-'));
  for (const name of readdirSync(root)) {
    if (!notLinked.has(name)) symlinkSync(join(root, name), join(folder, name));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
