import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';

import { answerNonce } from '@rampart/mesh';
import type { DataPlane } from '@rampart/mesh';

import { clusterOf, envelop, fromWorker } from './cluster-messages.ts';
import type { ToClusterWorker } from './cluster-messages.ts';
import type { Tenant, Tenants } from './tenants.ts';

export interface ClusterPrimaryOptions {
  readonly host: NodeJS.Process;
  readonly plane: DataPlane;
  readonly tenants: Tenants;
}

/**
 * Makes the workers of a cluster members of the mesh: each makes a key of its own, for which this process asks the control
 * plane for a certificate. Any other child process is a stranger.
 */
export function watchCluster(options: ClusterPrimaryOptions): void {
  const tenants = new WeakMap<ChildProcess, Tenant>();
  const tenantOf = (child: ChildProcess): Tenant => {
    const known = tenants.get(child);
    if (known !== undefined) return known;
    const tenant: Tenant = { send: (message) => send(child, message) };
    const gone = (): void => options.tenants.gone(tenant);
    child.once('exit', gone).once('disconnect', gone);
    tenants.set(child, tenant);
    return tenant;
  };
  subscribe('child_process', (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    child.on('internalMessage', (received: unknown) => {
      const said = fromWorker(received);
      if (said === undefined || !isClusterWorker(options.host, child)) return;
      if (said.kind === 'sign') void answer(options.plane, child, said.csr);
      else if (said.kind === 'nonce')
        void answerNonce(said, options.plane.signatures.nonces).then((standing) => send(child, standing));
      else options.tenants.receive(tenantOf(child), said);
    });
  });
}

async function answer(plane: DataPlane, child: ChildProcess, csr: string): Promise<void> {
  try {
    const svid = await plane.vouch(Buffer.from(csr, 'base64'));
    send(child, { kind: 'signed', svid: Buffer.from(svid).toString('base64'), problem: '' });
  } catch (cause) {
    send(child, { kind: 'signed', svid: '', problem: cause instanceof Error ? cause.message : 'unknown error' });
  }
}

function isClusterWorker(host: NodeJS.Process, child: ChildProcess): boolean {
  const { workers } = clusterOf(host);
  return Object.values(workers ?? {}).some((worker) => worker?.process === child);
}

function send(child: ChildProcess, message: ToClusterWorker): void {
  // Who has gone meanwhile needs no answer.
  if (child.connected) child.send(envelop(message), () => undefined);
}
