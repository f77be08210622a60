import { RampartError } from '@rampart/core';

/**
 * Work on files of a directory; what the system has against it is told with the name of the directory.
 * @throws RampartError STORAGE_FAILED, and what `work` throws of its own.
 */
export async function onDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof RampartError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    const text = `${directory} cannot be written or read: ${cause.message}; check its owner and its disk`;
    throw new RampartError('STORAGE_FAILED', text, { cause });
  }
}
