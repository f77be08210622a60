import { describeExit } from '../process/child.ts';
import type { ChildExit } from '../process/child.ts';
import { COMMAND } from './folders.ts';
import type { Shop } from './shop.ts';

/** How a command ended, and what it said last. */
export interface CommandRun {
  readonly exit: ChildExit;
  readonly words: string;
}

/** Runs the `rampart` command as a person in a second terminal would. */
export async function runRampart(
  shop: Shop,
  words: readonly string[],
  options: { readonly mayFail?: boolean } = {},
): Promise<CommandRun> {
  const child = shop.staff.run('rampart', {
    file: COMMAND,
    arguments: ['--data', shop.controlPlane.dataDirectory, ...words],
    ...options,
  });
  return { exit: await child.exited, words: child.lastWords.join(' ') };
}

/** The same, for a command that is to succeed; resolves to how it ended. */
export async function rampart(shop: Shop, words: readonly string[]): Promise<string> {
  const { exit, words: said } = await runRampart(shop, words);
  const ended = describeExit(exit);
  return exit.code === 0 ? ended : `${ended} (${said})`;
}
