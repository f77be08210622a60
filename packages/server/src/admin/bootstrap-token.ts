import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '../directory/atomic-file.ts';
import type { AdminTokens } from './admin-tokens.ts';

const BOOTSTRAP = 'bootstrap';

/** Sees to it that the file holds a valid admin token, readable by its owner only. A lost file gets a new token, and the old one ends. */
export async function ensureBootstrapToken(tokens: AdminTokens, file: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(() => '');
  if (tokens.nameOf(present.trim()) === BOOTSTRAP) {
    return;
  }
  await writeFileAtomically(file, { text: `${await tokens.create(BOOTSTRAP)}\n`, mode: 0o600 });
}
