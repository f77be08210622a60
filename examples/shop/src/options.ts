import { parseArgs } from 'node:util';
import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';

/** The doors that people know by their port. */
export type ShopDoor = 'api' | 'metrics' | 'frontend';

/** What `npm start -- …` was asked for. */
export interface ShopOptions {
  readonly once: boolean;
  readonly output: 'text' | 'json';
  /** Folder of the control plane's data; undefined for a fresh temporary one. */
  readonly dataDirectory: string | undefined;
  /** 0 lets the system choose; undefined takes the usual port when it is free, else any. */
  readonly ports: Readonly<Record<ShopDoor, number | undefined>>;
  /** Users' requests a second. */
  readonly rate: number;
  readonly help: boolean;
}

export const USAGE = `Usage: npm start -- [options]

  --once              drive the scenario once on fresh data, then stop everything; exit 0 only if every expectation held
  --output FORMAT     with --once: "text" (default) or "json" (one object on standard output)
  --data DIR          where the control plane keeps its data (default ./.rampart; a temporary folder with --once)
  --port N            control plane (default 8443; 0 for any free port)
  --metrics-port N    metrics (default 9090; 0 for any free port)
  --frontend-port N   where users come in (default 8080; 0 for any free port)
  --rate N            users' requests a second (default 4)
  --help
`;

const PORT_OPTIONS = [
  ['api', 'port'],
  ['metrics', 'metrics-port'],
  ['frontend', 'frontend-port'],
] as const;
const HIGHEST_PORT = 65_535;
const HIGHEST_RATE = 1000;

/** Reads the command line; the problem is one sentence that says what to write instead. */
export function readOptions(argv: readonly string[]): Result<ShopOptions, string> {
  try {
    return interpret(parse(argv));
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      once: { type: 'boolean', default: false },
      output: { type: 'string', default: 'text' },
      data: { type: 'string' },
      port: { type: 'string' },
      'metrics-port': { type: 'string' },
      'frontend-port': { type: 'string' },
      rate: { type: 'string', default: '4' },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

function interpret(values: ReturnType<typeof parse>): Result<ShopOptions, string> {
  const { once, output } = values;
  if (output !== 'text' && output !== 'json') return fail(`--output ${output}: write text or json`);
  if (output === 'json' && !once) return fail('--output json goes with --once');
  const ports: Record<ShopDoor, number | undefined> = { api: undefined, metrics: undefined, frontend: undefined };
  for (const [door, option] of PORT_OPTIONS) {
    const text = values[option] ?? (once ? '0' : undefined);
    if (text === undefined) continue;
    ports[door] = numberIn(text, HIGHEST_PORT);
    if (ports[door] === undefined) return fail(`--${option} ${text}: write a number from 0 to ${HIGHEST_PORT}`);
  }
  const rate = numberIn(values.rate, HIGHEST_RATE);
  if (rate === undefined || rate === 0) return fail(`--rate ${values.rate}: write a number from 1 to ${HIGHEST_RATE}`);
  const dataDirectory = values.data ?? (once ? undefined : '.rampart');
  return ok({ once, output, dataDirectory, ports, rate, help: values.help });
}

function numberIn(text: string, highest: number): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= highest ? value : undefined;
}
