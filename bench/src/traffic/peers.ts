import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Absent } from '../harness/absent.ts';
import { freePort, listening } from '../harness/ports.ts';
import { childrenOf } from '../harness/process-figures.ts';
import { ensureProgram } from '../inprocess/peers/proxy-pair.ts';

/** What shares requests among the instances. */
export interface Balancer {
  readonly name: string;
  readonly port: number;
  /** As callers name the service. */
  readonly host: string;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

interface Peer {
  readonly name: string;
  readonly program: string;
  readonly debianPackage: string;
  args(file: string): readonly string[];
  config(where: { readonly directory: string; readonly port: number; readonly instances: readonly number[] }): string;
}

/** One thread, connections kept to all instances, no logs: the form in which each does best at this. */
export const PEERS: readonly Peer[] = [
  {
    name: 'haproxy-leastconn',
    program: 'haproxy',
    debianPackage: 'haproxy',
    args: (file) => ['-db', '-f', file],
    config: ({ port, instances }) => `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend near
  bind 127.0.0.1:${port}
  default_backend orders
backend orders
  balance leastconn
  http-reuse always
${instances.map((each, index) => `  server i${index} 127.0.0.1:${each} pool-max-conn 256`).join('\n')}
`,
  },
  {
    name: 'nginx-least-conn',
    program: 'nginx',
    debianPackage: 'nginx-light',
    args: (file) => ['-c', file, '-p', file.slice(0, file.lastIndexOf('/')), '-e', '/dev/null'],
    config: ({
      directory,
      port,
      instances,
    }) => `worker_processes 1; daemon off; error_log /dev/null; pid ${directory}/lb.pid;
events { worker_connections 8192; }
http {
  access_log off;
  upstream orders {
    least_conn;
${instances.map((each) => `    server 127.0.0.1:${each} max_fails=0;`).join('\n')}
    keepalive 256; keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096; keepalive_requests 100000000;
    location / { proxy_pass http://orders; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  },
];

export async function startPeer(
  peer: Peer,
  { directory, instances }: { readonly directory: string; readonly instances: readonly number[] },
): Promise<Balancer | Absent> {
  const missing = ensureProgram(peer);
  if (missing !== undefined) return missing;
  const port = await freePort();
  const file = join(directory, `${peer.name}.cfg`);
  writeFileSync(file, peer.config({ directory, port, instances }));
  const child = spawn(peer.program, peer.args(file), { stdio: 'ignore' });
  await listening(port);
  const { pid = -1 } = child;
  return {
    name: peer.name,
    port,
    host: 'orders-api',
    pids: [pid, ...childrenOf(pid)],
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
