import { type Logger as PinoLogger, pino } from 'pino';

/** What is logged, and where it came from. Field names that carry secrets are redacted wherever they turn up. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger whose every line also has these fields. */
  child(fields: Record<string, string | number>): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Somewhere that takes lines of text: a terminal, a file, a test. */
export interface LogDestination {
  write(text: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
  /** One readable line an entry, for terminals; otherwise one JSON object a line. */
  readonly pretty: boolean;
}

const SECRET_FIELDS = [
  'token',
  'joinToken',
  'join_token',
  'adminToken',
  'authorization',
  'password',
  'passphrase',
  'privateKey',
  'private_key',
  'key',
  'secret',
];
const REDACTED = [...SECRET_FIELDS, ...SECRET_FIELDS.map((field) => `*.${field}`)];

/** The one logger of the control plane. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.pretty
    ? (line: string) => options.destination.write(readable(line))
    : (line: string) => options.destination.write(line);
  const logger: PinoLogger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { error: pino.stdSerializers.err },
    },
    { write },
  );
  return logger;
}

/** `12:00:00.000 info  message  field=value` */
function readable(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${[String(msg), ...rest].join('  ')}\n`;
}

function plain(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'object' && value !== null && 'message' in value) {
    return String(value.message);
  }
  return JSON.stringify(value);
}
