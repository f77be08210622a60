import type { Manifest } from '@rampart/server/backup';
import { renderTime } from '../../render/moment.ts';

/** What a backup says of itself, for scripts. */
export function backupFields({ at, key, journal, files }: Manifest): Readonly<Record<string, unknown>> {
  return { madeAt: renderTime(at), key: key.text, journal, files };
}

/** The same for people, without an end. */
export function backupLine({ at, key, journal }: Manifest): string {
  return `backup of ${renderTime(at)}, ${journal.size} entries on record, signed by ${key.name}+${key.id}`;
}
