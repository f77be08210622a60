import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startPair } from '../pair.ts';
import type { Absent } from '../../harness/absent.ts';
import { freePort, listening } from '../../harness/ports.ts';
import type { Ground, Running, Subject } from '../subject.ts';

export interface Ports {
  /** Where the caller's proxy listens. */
  readonly near: number;
  /** Where the service's proxy listens. */
  readonly far: number;
  readonly app: number;
}

export interface ProxyPairOptions {
  readonly name: string;
  readonly program: string;
  readonly debianPackage: string;
  readonly config: (directory: string, ports: Ports) => string;
  readonly args: (configFile: string) => readonly string[];
}

/** A pair of the same proxy between the two services, mutual TLS between the two, one process each side in one program. */
export function proxyPair(options: ProxyPairOptions): Subject {
  return {
    name: options.name,
    start: async (ground) => {
      const missing = ensureProgram(options);
      return missing ?? startProxies(options, ground);
    },
  };
}

/** Installs what is missing where that is possible. */
export function ensureProgram(options: Pick<ProxyPairOptions, 'program' | 'debianPackage'>): Absent | undefined {
  if (isInstalled(options.program)) return undefined;
  const install = spawnSync('apt-get', ['install', '-y', '-qq', options.debianPackage], { stdio: 'ignore' });
  if (install.status === 0 && isInstalled(options.program)) return undefined;
  return { absent: `${options.program} is not installed; install the package ${options.debianPackage}` };
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

async function startProxies(options: ProxyPairOptions, ground: Ground): Promise<Running> {
  const { server, client, port: app } = await startPair(ground, { mode: 'http' });
  const ports = { app, near: await freePort(), far: await freePort() };
  const proxies: ChildProcess[] = [];
  for (const side of ['near', 'far'] as const) {
    const file = join(ground.directory, `${options.name}-${side}.cfg`);
    writeFileSync(file, sideOf(options.config(ground.directory, ports), side));
    proxies.push(spawn(options.program, options.args(file), { stdio: 'ignore' }));
  }
  await Promise.all([listening(ports.near), listening(ports.far)]);
  return {
    url: `http://127.0.0.1:${ports.near}`,
    server,
    client,
    pids: [server.pid, client.pid, ...proxies.map((proxy) => proxy.pid ?? -1)],
    stop: async () => {
      for (const proxy of proxies) proxy.kill('SIGTERM');
      await Promise.all([client.stop(), server.stop(), ...proxies.map((proxy) => once(proxy, 'exit'))]);
    },
  };
}

/** A configuration holds both sides, parted by lines `#near` and `#far`; what stands before them is common. */
export function sideOf(config: string, side: 'near' | 'far'): string {
  const [common = '', near = '', far = ''] = config.split(/^#(?:near|far)$/m);
  return common + (side === 'near' ? near : far);
}
