import { fail, ok, RampartError, type Result } from '@rampart/core';
import type { WorkloadIdentity } from '@rampart/authority';
import type { Registry, RegistryIdentity } from '@rampart/registry';
import type { RegisterInstance } from '@rampart/wire';
import type { Logger } from '../log.ts';
import type { Peer } from '../doors/peer.ts';

export interface SessionInstancesOptions {
  readonly registry: Registry;
  readonly peer: Peer;
  /** What the workload was attested as; nothing it says of itself counts. */
  readonly workload: WorkloadIdentity;
  /** Address the stream comes from. */
  readonly remoteAddress: string;
  readonly log: Logger;
  /** Calls back when registrations that waited for a person were decided; returns how to end it. */
  onDecided(listener: () => void): () => void;
}

/** Ports one process may serve; what goes beyond is no service. */
const MOST_INSTANCES = 64;

/** The instances that one control stream stands for. Their leases last as long as it does, and one lease period. */
export class SessionInstances {
  readonly #options: SessionInstancesOptions;
  readonly #attached = new Set<string>();
  /** What waits for a person's approval, by instance id. */
  readonly #waiting = new Map<string, RegisterInstance>();
  readonly #forget: () => void;
  #released = false;
  #problem = '';

  constructor(options: SessionInstancesOptions) {
    this.#options = options;
    this.#forget = options.onDecided(() => this.#tryAgain());
  }

  /** Why the last registration was refused; "" when it was not. A refused registration must not cost a workload its policies. */
  get problem(): string {
    return this.#problem;
  }

  async register(request: RegisterInstance): Promise<void> {
    const { instanceId, host, port, protocol } = request;
    const { registry, peer, workload, remoteAddress, log } = this.#options;
    if (workload.service === '') {
      log.debug({ peer: peer.id.toString() }, 'a pure client serves a port; it is not registered');
      return;
    }
    if (this.#attached.size >= MOST_INSTANCES && !this.#attached.has(instanceId)) {
      this.#note(
        fail(new RampartError('INVALID_ARGUMENT', `a data plane registers at most ${MOST_INSTANCES} instances`)),
      );
      return;
    }
    const registered = await registry.register(this.#identity(), {
      service: workload.service,
      namespace: workload.namespace,
      instanceId,
      host: host === '' ? remoteAddress : host,
      port,
      protocol: protocol === '' ? 'http' : protocol,
      labels: workload.labels,
      sourceIp: remoteAddress,
    });
    this.#note(registered);
    this.#waiting.delete(instanceId);
    if (!registered.ok && registered.problem.code === 'APPROVAL_PENDING') this.#waiting.set(instanceId, request);
    if (registered.ok && !this.#released && !this.#attached.has(instanceId) && registry.attach(instanceId)) {
      this.#attached.add(instanceId);
    }
  }

  async deregister(instanceId: string): Promise<void> {
    const { registry, remoteAddress } = this.#options;
    this.#attached.delete(instanceId);
    this.#waiting.delete(instanceId);
    const gone = await registry.deregister(this.#identity(), instanceId, {
      reason: 'stopped',
      sourceIp: remoteAddress,
    });
    this.#note(gone.ok || gone.problem.code === 'NOT_FOUND' ? ok(undefined) : gone);
  }

  /** The stream is gone: the leases count down. */
  release(): void {
    this.#released = true;
    this.#forget();
    this.#waiting.clear();
    for (const instanceId of this.#attached) {
      this.#options.registry.detach(instanceId);
    }
    this.#attached.clear();
  }

  #tryAgain(): void {
    const { log } = this.#options;
    for (const request of Array.from(this.#waiting.values())) {
      this.register(request).catch((error: unknown) => log.error({ error }, 'an approved registration failed'));
    }
  }

  #identity(): RegistryIdentity {
    const { peer, workload } = this.#options;
    return { kind: 'spiffe', id: peer.id, service: workload.service };
  }

  #note(result: Result<unknown, RampartError>): void {
    this.#problem = result.ok ? '' : result.problem.message;
    if (!result.ok) {
      this.#options.log.warn(
        { peer: this.#options.peer.id.toString(), reason: this.#problem },
        'a registration was refused',
      );
    }
  }
}
