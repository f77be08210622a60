import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Child } from '../process/child.ts';
import type { World } from '../world.ts';

/** Where servers are installed, which is not on every user's path. */
const BESIDE_PATH = ['/usr/sbin', '/usr/local/sbin'];

/**
 * Path of the first program of this name that runs with `trial` as its arguments, and its last line of output. A name on the path is no proof:
 * some systems have a stand-in there that only says how the real one could be installed.
 */
export async function findExecutable(
  name: string,
  trial: readonly string[],
  world: World,
): Promise<{ readonly path: string; readonly said: string } | undefined> {
  const folders = (world.environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of new Set([...folders, ...BESIDE_PATH])) {
    const path = join(folder, name);
    if (!(await isExecutable(path))) continue;
    const child = new Child({ name, node: path, arguments: trial, environment: world.environment });
    const { code } = await child.exited;
    if (code === 0) return { path, said: child.lastWords.at(-1) ?? '' };
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
