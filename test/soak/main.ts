import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { soak } from './soak.ts';

const USAGE = `Usage: npm run soak -- [--minutes N | --seconds N] [--json FILE]

Serves steady load in a mesh of real processes, with the mesh in them and behind sidecars, over HTTP and TCP, while instances are
replaced and killed, policies and certificates change, and the control plane is stopped and killed. Exit 0 only if no request that
policy allowed failed, none that it denied passed, and memory and file descriptors were flat.

  --minutes   how long (10)
  --seconds   the same, for a short one; below 5 minutes memory is not judged
  --json      also write the report to FILE
`;
const MINUTE_SECONDS = 60;
const DEFAULT_MINUTES = '10';
const LONGEST_SECONDS = 604_800;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: DEFAULT_MINUTES },
      seconds: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const seconds = values.seconds === undefined ? Number(values.minutes) * MINUTE_SECONDS : Number(values.seconds);
  if (values.help || !(seconds > 0 && seconds <= LONGEST_SECONDS)) {
    process.stderr.write(USAGE);
    return values.help ? 0 : 2;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const report = await soak({ seconds, tell, stopped: interrupted.signal });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(report.render());
  return report.ok ? 0 : 1;
}

process.exitCode = await main();
