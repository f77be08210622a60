import { fileURLToPath } from 'node:url';
import type { Shop } from '../mesh/shop.ts';
import { describeExit } from '../process/child.ts';

const COMMAND = fileURLToPath(new URL('main.ts', import.meta.resolve('rampart')));

/** Runs the `rampart` command as a person in a second terminal would; resolves to how it ended. */
export async function rampart(shop: Shop, words: readonly string[]): Promise<string> {
  const child = shop.staff.run('rampart', {
    file: COMMAND,
    arguments: ['--data', shop.controlPlane.dataDirectory, ...words],
  });
  const exit = await child.exited;
  const ended = describeExit(exit);
  return exit.code === 0 ? ended : `${ended} (${child.lastWords.join(' ')})`;
}
