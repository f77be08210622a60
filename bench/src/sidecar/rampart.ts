import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { bundlePublished, CLI } from '../harness/published.ts';
import { startControl } from '../inprocess/rampart.ts';
import type { ProxyPair, RunningPair } from './pair.ts';

interface Announcement {
  readonly proxyPort: number;
}

/** Two sidecars joined by a link: 50 policies, records and metrics of both ends. */
export const rampartSidecars: ProxyPair = {
  name: 'rampart-sidecars',
  start: async (ground): Promise<RunningPair> => {
    await bundlePublished(ground.environment);
    const control = await startControl(ground);
    const admission = (workload: string): NodeJS.ProcessEnv => ({
      ...ground.environment,
      RAMPART_CONTROL_PLANE: control.address,
      RAMPART_CA_FILE: control.caFile,
      RAMPART_JOIN_TOKEN: control.tokens[workload] ?? '',
    });
    const far = await startSidecar(admission('server'), ['--app-port', String(ground.app)]);
    const near = await startSidecar(admission('client'), []);
    return {
      port: near.proxyPort,
      pids: [...near.pids, ...far.pids],
      stop: async () => {
        await Promise.all([near.stop(), far.stop()]);
        await control.stop();
      },
    };
  },
};

export interface StartedSidecar {
  readonly proxyPort: number;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** `rampart sidecar`, ready. The environment says which workload it stands for. */
export async function startSidecar(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<StartedSidecar> {
  const child = spawn(process.execPath, [CLI, 'sidecar', '--output', 'json', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const announced = new Promise<Announcement>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.trimEnd().endsWith('}')) resolve(JSON.parse(text) as Announcement);
    });
    child.once('exit', () => reject(new Error('rampart sidecar ended')));
  });
  const { proxyPort } = await announced;
  return {
    proxyPort,
    pids: [child.pid ?? -1],
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
