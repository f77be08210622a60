import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandBlocks } from './docs/blocks.ts';
import { scratchCheckout } from './docs/scratch.ts';
import { DocSession } from './docs/session.ts';
import { repositoryRoot } from './repository.ts';

/** README first, then SECURITY and docs/: the order in which a newcomer meets them. */
export function documents(root: string): string[] {
  const docs = existsSync(join(root, 'docs'))
    ? readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
    : [];
  return ['README.md', 'SECURITY.md', ...docs.toSorted().map((name) => `docs/${name}`)].filter((file) =>
    existsSync(join(root, file)),
  );
}

/** What a newcomer reads first is followed with npm's own npx, which shows that it finds what the other documents start too. */
const withNpx = 'README.md';

/** Does what a document tells its reader to do. Returns what did not go as written. */
export async function followDocument(root: string, file: string): Promise<string[]> {
  const { blocks, problems } = commandBlocks(file, readFileSync(join(root, file), 'utf8'));
  const found = problems.map(({ line, message }) => `${file}:${line}  ${message}`);
  const runnable = blocks.filter(({ illustration }) => illustration === undefined);
  if (found.length > 0 || runnable.length === 0) return found;
  const scratch = scratchCheckout(root);
  const session = new DocSession({ folder: scratch.folder, npx: file === withNpx ? 'npm' : 'direct' });
  try {
    for (const block of runnable) {
      found.push(...(await session.run(block)).map((problem) => `${file}:${block.line}  ${problem}`));
      // A later block builds on the ones before it.
      if (found.length > 0) break;
    }
  } finally {
    await session.stop();
    scratch.remove();
  }
  return found;
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  let failed = 0;
  for (const file of wanted.length > 0 ? wanted : documents(repositoryRoot)) {
    const problems = await followDocument(repositoryRoot, file);
    failed += problems.length;
    process.stdout.write(problems.length === 0 ? `ok      ${file}\n` : `FAILED  ${problems.join('\n        ')}\n`);
  }
  process.exitCode = failed === 0 ? 0 : 1;
}
