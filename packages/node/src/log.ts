import type { MeshLog } from '@rampart/mesh';

import type { LogLevel } from './config.ts';

const RANK: Readonly<Record<LogLevel, number>> = { silent: 0, error: 1, info: 2, debug: 3 };

/** One line a message on the host's standard error, prefixed so that it is never taken for the application's own. */
export function createLog(level: LogLevel, write: (line: string) => void): MeshLog {
  const rank = RANK[level];
  const at =
    (needed: number, name: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      if (rank >= needed) write(`rampart ${name}: ${message}${describe(fields)}\n`);
    };
  return { error: at(1, 'error'), warn: at(2, 'warn'), info: at(2, 'info'), debug: at(3, 'debug') };
}

function describe(fields: Readonly<Record<string, unknown>> | undefined): string {
  if (fields === undefined) return '';
  const parts = Object.entries(fields).map(
    ([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '' : ` (${parts.join(' ')})`;
}
