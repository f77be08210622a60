import { DatabaseSync } from 'node:sqlite';
import { RampartError } from '@rampart/core';

/**
 * Writes a copy of a database to a new file: as it was at one moment, of one read transaction, while others go on writing to it.
 * @throws RampartError STORAGE_FAILED.
 */
export function copyDatabase(from: string, to: string): void {
  try {
    const database = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
    try {
      database.prepare('VACUUM INTO ?').run(to);
    } finally {
      database.close();
    }
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new RampartError('STORAGE_FAILED', `the database ${from} cannot be copied: ${detail}`, { cause });
  }
}

/** Whether the pages of a database are in order; the problem, or undefined. */
export function damageOf(file: string): string | undefined {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database.prepare('PRAGMA quick_check(1)').get();
    const said = String(row?.['quick_check']);
    return said === 'ok' ? undefined : said;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    database.close();
  }
}
