import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Absent } from '../harness/absent.ts';
import { Child } from '../harness/child.ts';
import { freePort, listening } from '../harness/ports.ts';
import type { Reach } from './callers.ts';

const ETCD = 'etcd';
const CONTROL_PLANE = fileURLToPath(new URL('control-plane.ts', import.meta.url));

export interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly reach: Reach;
  /** From the start of its process until it answers. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Where a subject keeps its data, and the certificate that it shows. */
export interface SubjectGround {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** The control plane as `rampart up` starts it: TLS 1.3, bearer token, every registration durable and on the audit record. */
export async function startRampart({ directory, environment }: SubjectGround): Promise<Subject> {
  const options = { script: CONTROL_PLANE, args: [directory] };
  const { child, hello } = await Child.start(options, environment);
  return {
    name: 'rampart',
    pid: child.pid,
    reach: {
      subject: 'rampart',
      origin: String(hello['address']),
      consul: String(hello['consul']),
      ca: readFileSync(String(hello['caFile']), 'utf8'),
      token: readFileSync(String(hello['tokenFile']), 'utf8').trim(),
    },
    readyMs: Number(hello['readyMs']),
    stop: () => child.stop(),
  };
}

/** One member of etcd over TLS, with its defaults: every write is in its synced log before it answers. No authentication, no audit. */
export async function startEtcd({ directory }: SubjectGround): Promise<Subject | Absent> {
  if (!isInstalled()) {
    spawnSync('apt-get', ['install', '-y', '-qq', 'etcd-server'], { stdio: 'ignore' });
    if (!isInstalled()) return { absent: 'etcd is not installed; install the package etcd-server' };
  }
  const [clients, peers] = [await freePort(), await freePort()];
  const origin = `https://localhost:${clients}`;
  const data = mkdtempSync(join(directory, 'etcd-'));
  const begun = performance.now();
  const etcd = spawn(
    ETCD,
    [
      ['--data-dir', data],
      ['--listen-client-urls', `https://127.0.0.1:${clients}`],
      ['--advertise-client-urls', origin],
      ['--listen-peer-urls', `http://127.0.0.1:${peers}`],
      ['--cert-file', join(directory, 'server.crt')],
      ['--key-file', join(directory, 'server.key')],
      ['--log-level', 'error'],
    ].flat(),
    { stdio: 'ignore' },
  );
  await listening(clients);
  return {
    name: 'etcd',
    pid: etcd.pid ?? -1,
    reach: { subject: 'etcd', origin, consul: origin, ca: readFileSync(join(directory, 'ca.crt'), 'utf8'), token: '' },
    readyMs: performance.now() - begun,
    stop: async () => {
      const gone = once(etcd, 'exit');
      etcd.kill('SIGTERM');
      await gone;
    },
  };
}

function isInstalled(): boolean {
  return spawnSync('sh', ['-c', `command -v ${ETCD}`], { stdio: 'ignore' }).status === 0;
}
