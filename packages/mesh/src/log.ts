/** Where a data plane reports on itself. It lives inside other people's services: silent unless asked. */
export interface MeshLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** How much a process says of itself, least first. */
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log of one line for each message, for processes that are the mesh's own. Causes are told by their message, never by what they hold. */
export function createLineLog(name: string, level: LogLevel, write: (line: string) => void): MeshLog {
  const most = LOG_LEVELS.indexOf(level);
  const at =
    (rank: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (LOG_LEVELS.indexOf(rank) <= most) write(`${name} ${rank}: ${message}${describe(fields)}\n`);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function describe(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(
    // What OpenSSL says ends in a new line; a record is one line.
    ([key, value]) =>
      `${key}=${value instanceof Error ? value.message.trim().replaceAll(/\s*\n\s*/g, ' ') : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '' : ` (${parts.join(' ')})`;
}
