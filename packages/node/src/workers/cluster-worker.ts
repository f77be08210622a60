import { RampartError } from '@rampart/core';
import { RelayedNonces } from '@rampart/mesh';
import type { WorkloadEvidence } from '@rampart/mesh';

import { systemClock } from '../clock.ts';
import { clusterOf, envelop, fromPrimary } from './cluster-messages.ts';
import type { FromClusterWorker, SigningAnswer } from './cluster-messages.ts';
import type { Parent, ToWorker } from './messages.ts';

const SIGNING_MS = 15_000;

/** A cluster worker's way to its primary. */
export class ClusterWorker implements Parent {
  readonly #host: NodeJS.Process;
  #listener: ((message: ToWorker) => void) | undefined;
  #signed: ((answer: SigningAnswer) => void) | undefined;
  /** The primary remembers which signatures came, for all of its workers. */
  readonly nonces: RelayedNonces = new RelayedNonces((question) => this.send(question), systemClock);

  private constructor(host: NodeJS.Process) {
    this.#host = host;
    host.on('internalMessage', (received: unknown) => {
      const said = fromPrimary(received);
      if (said?.kind === 'signed') this.#signed?.(said);
      else if (said?.kind === 'nonce-standing') this.nonces.answered(said);
      else if (said !== undefined) this.#listener?.(said);
    });
  }

  /** Undefined in any other process. */
  static of(host: NodeJS.Process): ClusterWorker | undefined {
    if (!host.connected || !clusterOf(host).isWorker) return undefined;
    return new ClusterWorker(host);
  }

  send(message: FromClusterWorker): void {
    if (this.#host.connected) this.#host.send?.(envelop(message), undefined, undefined, () => undefined);
  }

  receive(listener: (message: ToWorker) => void): void {
    this.#listener = listener;
  }

  get evidence(): WorkloadEvidence {
    return { kind: 'parent', vouch: (csr) => this.#vouch(csr) };
  }

  async #vouch(csr: Uint8Array): Promise<Uint8Array> {
    const { svid, problem } = await new Promise<SigningAnswer>((resolve, reject) => {
      const timer = systemClock.after(SIGNING_MS, () => {
        const silence = 'the primary of this cluster did not ask for a certificate: start it with the mesh, too';
        reject(new RampartError('CONTROL_PLANE_UNREACHABLE', silence));
      });
      this.#signed = (answer) => {
        timer.cancel();
        resolve(answer);
      };
      this.send({ kind: 'sign', csr: Buffer.from(csr).toString('base64') });
    });
    if (problem !== '') throw new RampartError('CONTROL_PLANE_UNREACHABLE', problem);
    return Buffer.from(svid, 'base64');
  }
}
