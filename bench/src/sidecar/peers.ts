import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { childrenOf } from '../harness/process-figures.ts';
import { freePort, listening } from '../harness/ports.ts';
import { haproxyConfig } from '../inprocess/peers/haproxy.ts';
import { nginxConfig } from '../inprocess/peers/nginx.ts';
import { ensureProgram, sideOf } from '../inprocess/peers/proxy-pair.ts';
import type { Ports } from '../inprocess/peers/proxy-pair.ts';
import type { PairGround, ProxyPair, RunningPair } from './pair.ts';

interface Peer {
  readonly name: string;
  readonly program: string;
  readonly debianPackage: string;
  readonly args: (file: string) => readonly string[];
  readonly config: (directory: string, ports: Ports) => string;
}

/** As in the benchmark of services in one process, with their access logs on. */
function peer(options: Peer): ProxyPair {
  return {
    name: options.name,
    start: async (ground) => ensureProgram(options) ?? startBoth(options, ground),
  };
}

async function startBoth(options: Peer, { directory, app }: PairGround): Promise<RunningPair> {
  const ports = { app, near: await freePort(), far: await freePort() };
  const config = options.config(directory, ports);
  const proxies = (['near', 'far'] as const).map((side) => {
    const file = join(directory, `${options.name}-${side}.cfg`);
    writeFileSync(file, sideOf(config, side));
    return spawn(options.program, options.args(file), { stdio: 'ignore' });
  });
  await Promise.all([listening(ports.near), listening(ports.far)]);
  return {
    port: ports.near,
    pids: proxies.flatMap(({ pid = -1 }) => [pid, ...childrenOf(pid)]),
    stop: async () => {
      for (const proxy of proxies) proxy.kill('SIGTERM');
      await Promise.all(proxies.map((proxy) => once(proxy, 'exit')));
    },
  };
}

/** Logging to standard output, which nobody reads: the cheapest that HAProxy has. */
const HAPROXY_LOG = '  log stdout format raw local0\n  option httplog\n';

function haproxy(name: string, alpn: string): ProxyPair {
  return peer({
    name,
    program: 'haproxy',
    debianPackage: 'haproxy',
    args: (file) => ['-db', '-f', file],
    config: (directory, ports) => haproxyConfig(directory, ports, { alpn, logging: HAPROXY_LOG }),
  });
}

export const PEERS: readonly ProxyPair[] = [
  peer({
    name: 'nginx-pair',
    program: 'nginx',
    debianPackage: 'nginx-light',
    args: (file) => ['-c', file, '-p', file.slice(0, file.lastIndexOf('/')), '-e', '/dev/null'],
    config: (directory, ports) =>
      nginxConfig(directory, ports, `${directory}/nginx-access.log combined buffer=64k flush=1s`),
  }),
  haproxy('haproxy-pair-http1', ''),
  haproxy('haproxy-pair-http2', 'alpn h2'),
];
