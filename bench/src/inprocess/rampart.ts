import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { bundlePublished, REGISTER } from '../harness/published.ts';
import { startClient, startServer } from './pair.ts';
import type { PairOptions } from './pair.ts';
import { benchmarkPolicies } from './policies.ts';
import type { Ground, Running, Subject } from './subject.ts';

const CONTROL_PLANE = fileURLToPath(new URL('control-plane.ts', import.meta.url));

export interface Control {
  readonly pid: number;
  readonly address: string;
  readonly caFile: string;
  /** Join tokens, by the names of workloads. */
  readonly tokens: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** The same two services, unchanged, with `--import @rampart/node/register`: 50 policies, access log and metrics on. */
export const rampartInProcess: Subject = {
  name: 'rampart-inprocess',
  start: async (ground): Promise<Running> => {
    await bundlePublished(ground.environment);
    const control = await startControl(ground);
    const server = await startServer(ground, meshed(control, 'server'));
    const client = await startClient(ground, meshed(control, 'client'));
    return {
      url: 'http://orders-api',
      server: server.child,
      client,
      pids: [server.child.pid, client.pid, control.pid],
      stop: async () => {
        await Promise.all([client.stop(), server.child.stop()]);
        await control.stop();
      },
    };
  },
};

function meshed(control: Control, workload: string): PairOptions {
  const env = {
    RAMPART_CONTROL_PLANE: control.address,
    RAMPART_CA_FILE: control.caFile,
    RAMPART_JOIN_TOKEN: control.tokens[workload] ?? '',
  };
  return { mode: 'http', execArgv: ['--import', REGISTER], serverEnv: env, clientEnv: env };
}

export interface BenchWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Empty for a pure client. */
  readonly service: string;
}

export interface ControlOptions {
  readonly documents: string;
  readonly workloads: readonly BenchWorkload[];
}

const WORKLOADS: readonly BenchWorkload[] = [
  { name: 'server', namespace: 'default', serviceAccount: 'orders-api', service: 'orders-api' },
  { name: 'client', namespace: 'default', serviceAccount: 'users-api', service: '' },
];

/** A control plane with the policies of the benchmark, or others. */
export async function startControl(
  ground: Pick<Ground, 'directory' | 'environment'>,
  { documents, workloads }: ControlOptions = { documents: benchmarkPolicies(), workloads: WORKLOADS },
): Promise<Control> {
  const directory = mkdtempSync(join(ground.directory, 'rampart-'));
  const policies = join(directory, 'policies.yaml');
  writeFileSync(policies, documents);
  const child = spawn(process.execPath, [CONTROL_PLANE, directory, policies, JSON.stringify(workloads)], {
    env: ground.environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: readonly unknown[] = await once(createInterface({ input: child.stdout }), 'line');
  const hello = JSON.parse(String(lines[0])) as Pick<Control, 'address' | 'caFile' | 'tokens'>;
  return {
    ...hello,
    pid: child.pid ?? -1,
    stop: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
