import { RampartError } from '@rampart/core';

/** A backup that is not believed. `what` goes on from "the backup FILE". */
export function refused(file: string, what: string, cause?: unknown): RampartError {
  return new RampartError('INVALID_BACKUP', `the backup ${file} ${what}`, { cause });
}
