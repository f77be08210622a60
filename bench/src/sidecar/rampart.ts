import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startControl } from '../inprocess/rampart.ts';
import type { Control } from '../inprocess/rampart.ts';
import type { PairGround, ProxyPair, RunningPair } from './pair.ts';

/** The command as it is published: bundled, no types to strip. */
const CLI = fileURLToPath(new URL('../../../packages/cli/dist/lib/main.js', import.meta.url));
const BUILD = fileURLToPath(new URL('../../../tools/build.ts', import.meta.url));

interface Announcement {
  readonly proxyPort: number;
}

/** Two sidecars joined by a link: 50 policies, records and metrics of both ends. */
export const rampartSidecars: ProxyPair = {
  name: 'rampart-sidecars',
  start: async (ground): Promise<RunningPair> => {
    await promisify(execFile)(process.execPath, [BUILD, '--code-only'], { env: ground.environment });
    const control = await startControl(ground);
    const far = await sidecar(ground, control, ['--app-port', String(ground.app)]);
    const near = await sidecar(ground, control, []);
    const proxies = [near.child, far.child];
    return {
      port: near.proxyPort,
      pids: proxies.map(({ pid }) => pid ?? -1),
      stop: async () => {
        for (const proxy of proxies) proxy.kill('SIGTERM');
        await Promise.all(proxies.map((proxy) => once(proxy, 'exit')));
        await control.stop();
      },
    };
  },
};

async function sidecar(
  ground: PairGround,
  control: Control,
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly proxyPort: number }> {
  const child = spawn(process.execPath, [CLI, 'sidecar', '--output', 'json', '--metrics-port', '0', ...args], {
    env: {
      ...ground.environment,
      RAMPART_CONTROL_PLANE: control.address,
      RAMPART_CA_FILE: control.caFile,
      RAMPART_JOIN_TOKEN: args.length === 0 ? control.tokens.client : control.tokens.server,
    },
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
  return { child, proxyPort: (await announced).proxyPort };
}
