import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.ts';

/**
 * A tool's configuration for one root: for the repository its own file, for a canary the same rules without the
 * lists of what they skip, because canaries lie in a skipped folder.
 */
export function configFor(root: string, name: string): string {
  const own = join(repositoryRoot, name);
  if (root === repositoryRoot) return own;
  const folder = join(repositoryRoot, '.build', 'canaries');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name.replace(/^\./, ''));
  // Reasons stand in the configuration as lines of comment.
  const text = readFileSync(own, 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
  const rules = JSON.parse(text) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...rules, ignorePatterns: [], overrides: [] }));
  return path;
}
