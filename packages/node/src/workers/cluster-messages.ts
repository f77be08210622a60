import type { Cluster } from 'node:cluster';

import type { NonceAnswer, NonceQuestion } from '@rampart/mesh';

import type { FromWorker, ToWorker } from './messages.ts';

/** Node keeps messages whose `cmd` begins so to itself: applications do not see them (child_process, `subprocess.send`). */
const CMD = 'NODE_RAMPART';

/** A worker asks for a certificate on its key; PKCS#10 DER in base64. */
export interface SigningRequest {
  readonly kind: 'sign';
  readonly csr: string;
}

/** An encoded `SvidResponse` in base64, or why there is none. */
export interface SigningAnswer {
  readonly kind: 'signed';
  readonly svid: string;
  readonly problem: string;
}

export type FromClusterWorker = FromWorker | SigningRequest | NonceQuestion;
export type ToClusterWorker = ToWorker | SigningAnswer | NonceAnswer;

/** Node's module of that name, loaded by this call: a program without a cluster has no use for it. */
export function clusterOf(host: NodeJS.Process): Cluster {
  // The types describe its ES module; this is what `require` gives.
  const module: object = host.getBuiltinModule('node:cluster');
  return module as Cluster;
}

interface Enveloped {
  readonly cmd: typeof CMD;
  readonly rampart: FromClusterWorker | ToClusterWorker;
}

export function envelop(message: FromClusterWorker | ToClusterWorker): Enveloped {
  return { cmd: CMD, rampart: message };
}

/** What a worker says to its primary; undefined for what is not the mesh's. */
export function fromWorker(message: unknown): FromClusterWorker | undefined {
  return unwrap(message) as FromClusterWorker | undefined;
}

/** What a primary says to its worker; undefined for what is not the mesh's. */
export function fromPrimary(message: unknown): ToClusterWorker | undefined {
  return unwrap(message) as ToClusterWorker | undefined;
}

function unwrap(message: unknown): unknown {
  if (typeof message !== 'object' || message === null) return undefined;
  const { cmd, rampart } = message as { readonly cmd?: unknown; readonly rampart?: unknown };
  return cmd === CMD ? rampart : undefined;
}
