import { renameSync, rmSync } from 'node:fs';

/** What renaming says where a folder with something in it is already (POSIX leaves the choice; Windows says the last). */
const IS_THERE: ReadonlySet<unknown> = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM']);

/** Gives a finished folder the name of what it was made of. Whoever was sooner with the same has made it as well. */
export function putInPlace(begun: string, folder: string): void {
  try {
    renameSync(begun, folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && IS_THERE.has(error.code))) throw error;
    rmSync(begun, { recursive: true });
  }
}
