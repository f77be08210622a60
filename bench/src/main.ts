import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import type { RunOptions } from './harness/run-options.ts';
import { benchIdentity } from './identity/run.ts';
import { benchInProcess } from './inprocess/run.ts';
import { benchPolicy } from './policy/run.ts';
import { benchPropagation } from './propagation/run.ts';
import { benchRegistry } from './registry/run.ts';
import { benchSidecar } from './sidecar/run.ts';
import { benchTraffic } from './traffic/run.ts';

type Bench = (options: RunOptions) => Promise<Record<string, unknown>>;

const BENCHES: Readonly<Record<string, Bench>> = {
  identity: benchIdentity,
  inprocess: benchInProcess,
  policy: benchPolicy,
  propagation: benchPropagation,
  registry: benchRegistry,
  sidecar: benchSidecar,
  traffic: benchTraffic,
};

const USAGE = `Usage: npm run bench -- NAME [--quick] [--json FILE]

  NAME      ${[...Object.keys(BENCHES), 'all'].join(' | ')}
  --quick   shorter rounds, ends within 45 s
  --json    also write the result to FILE
`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [name] = positionals;
  const chosen = name === 'all' ? Object.keys(BENCHES) : Object.keys(BENCHES).filter((known) => known === name);
  if (values.help || chosen.length === 0) {
    process.stderr.write(USAGE);
    return values.help ? 0 : 2;
  }
  const results = [];
  for (const each of chosen) {
    const bench = BENCHES[each];
    if (bench === undefined) continue;
    const progress = (line: string): void => void process.stderr.write(`${each}: ${line}\n`);
    const figures = await bench({ quick: values.quick, environment: process.env, progress });
    results.push({ bench: each, at: new Date().toISOString(), machine: machine(), ...figures });
  }
  const text = results.map((result) => JSON.stringify(result)).join('\n');
  process.stdout.write(`${text}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${text}\n`);
  return 0;
}

function machine(): Record<string, unknown> {
  const processors = cpus();
  return { cpus: processors.length, model: processors[0]?.model ?? 'unknown', node: process.version };
}

process.exitCode = await main();
