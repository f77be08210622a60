import type { WorkloadIdentity } from '@rampart/authority';
import { fail, ok, RampartError, type Result } from '@rampart/core';
import {
  type RegistrationRequest,
  type RegistrationStanding,
  type Registry,
  type RegistryIdentity,
  REVOKED_REASON,
} from '@rampart/registry';
import type { RegisterInstance } from '@rampart/wire';
import type { Peer } from '../doors/peer.ts';
import { traitsOf } from '../doors/services/registry/requests.ts';
import type { Logger } from '../log.ts';

/** Who may register what, now and as it changes. */
export interface RegistrationRights {
  /** How a registration stands by what is in force now; nothing is recorded. */
  standing(who: RegistryIdentity, request: RegistrationRequest): RegistrationStanding;
  /** Calls back when that may be another; returns how to end it. */
  onChange(listener: () => void): () => void;
}

export interface SessionInstancesOptions {
  readonly registry: Registry;
  readonly peer: Peer;
  /** What the workload was attested as; nothing it says of itself counts. */
  readonly workload: WorkloadIdentity;
  /** Address the stream comes from. */
  readonly remoteAddress: string;
  readonly log: Logger;
  readonly rights: RegistrationRights;
}

/** Ports one process may serve; what goes beyond is no service. */
const MOST_INSTANCES = 64;
/** Why an instance is gone, for the record. */
const STOPPED = 'stopped';

/**
 * The instances that one control stream stands for. Their leases last as long as it does, and one lease period. An instance
 * whose workload may no longer register it is taken away at once, and comes back when it may again.
 */
export class SessionInstances {
  readonly #options: SessionInstancesOptions;
  /** What the data plane serves, by instance id; registered or not. */
  readonly #served = new Map<string, RegistrationRequest>();
  /** Those that are registered: under which id the registry keeps each. */
  readonly #attached = new Map<string, string>();
  readonly #forget: () => void;
  #end: 'over' | 'revoked' | undefined;
  #problem = '';

  constructor(options: SessionInstancesOptions) {
    this.#options = options;
    this.#forget = options.rights.onChange(() => this.#review());
  }

  /** Why the last registration was refused; "" when it was not. A refused registration must not cost a workload its policies. */
  get problem(): string {
    return this.#problem;
  }

  async register(message: RegisterInstance): Promise<void> {
    const { peer, workload, log } = this.#options;
    const { instanceId } = message;
    if (workload.service === '') {
      log.debug({ peer: peer.id.toString() }, 'a pure client serves a port; it is not registered');
      return;
    }
    if (this.#served.size >= MOST_INSTANCES && !this.#served.has(instanceId)) {
      this.#note(
        fail(new RampartError('INVALID_ARGUMENT', `a data plane registers at most ${MOST_INSTANCES} instances`)),
      );
      return;
    }
    const request = this.#requestOf(message);
    if (!request.ok) {
      this.#note(request);
      return;
    }
    this.#served.set(instanceId, request.value);
    await this.#register(request.value);
  }

  async deregister(instanceId: string): Promise<void> {
    this.#served.delete(instanceId);
    const gone = await this.#withdraw(instanceId, STOPPED);
    this.#note(gone.ok || gone.problem.code === 'NOT_FOUND' ? ok(undefined) : gone);
  }

  /** The stream is gone: the leases count down. */
  release(): void {
    this.#stop('over');
    for (const kept of this.#attached.values()) this.#options.registry.detach(kept);
    this.#attached.clear();
  }

  /** Whoever holds the stream is not to be trusted any more: nobody is sent there from now on. */
  revoke(): void {
    const { log } = this.#options;
    this.#stop('revoked');
    for (const instanceId of Array.from(this.#attached.keys())) {
      this.#withdraw(instanceId, REVOKED_REASON).catch((error: unknown) =>
        log.error({ error, instanceId }, 'an instance of a revoked identity could not be taken away'),
      );
    }
  }

  #stop(end: 'over' | 'revoked'): void {
    this.#end = end;
    this.#forget();
    this.#served.clear();
  }

  async #register(request: RegistrationRequest): Promise<void> {
    const { registry, rights } = this.#options;
    const { instanceId } = request;
    const registered = await registry.register(this.#identity(), request);
    this.#note(registered);
    // What cannot be registered at all is not tried again whenever rules change.
    if (!registered.ok && registered.problem.code === 'INVALID_ARGUMENT') this.#served.delete(instanceId);
    if (!registered.ok || this.#end === 'over') return;
    // While it was on its way to the store, much may have changed.
    if (this.#end === 'revoked') {
      await this.#withdraw(instanceId, REVOKED_REASON);
      return;
    }
    const kept = registered.value.instanceId;
    if (!this.#attached.has(instanceId) && registry.attach(kept)) this.#attached.set(instanceId, kept);
    if (!this.#served.has(instanceId)) await this.#withdraw(instanceId, STOPPED);
    else if (rights.standing(this.#identity(), request) === 'refused') await this.#lose(instanceId);
  }

  #review(): void {
    const { rights, log } = this.#options;
    for (const [instanceId, request] of Array.from(this.#served)) {
      const standing = rights.standing(this.#identity(), request);
      const isThere = this.#attached.has(instanceId);
      const failed = (error: unknown): void =>
        log.error({ error, instanceId }, 'an instance could not follow its rights');
      if (isThere && standing === 'refused') this.#lose(instanceId).catch(failed);
      if (!isThere && standing === 'admitted') this.#register(request).catch(failed);
    }
  }

  async #lose(instanceId: string): Promise<void> {
    await this.#withdraw(instanceId, 'may no longer be registered');
    this.#note(fail(new RampartError('PERMISSION_DENIED', `instance ${instanceId} may no longer be registered`)));
  }

  #withdraw(instanceId: string, reason: string): Promise<Result<void, RampartError>> {
    const { registry, remoteAddress: sourceIp } = this.#options;
    const kept = this.#attached.get(instanceId);
    if (kept !== undefined) registry.detach(kept);
    this.#attached.delete(instanceId);
    return registry.deregister(this.#identity(), instanceId, { reason, sourceIp });
  }

  #requestOf(message: RegisterInstance): Result<RegistrationRequest, RampartError> {
    const { workload, remoteAddress } = this.#options;
    const { instanceId, host, port, protocol } = message;
    try {
      return ok({
        ...traitsOf(message),
        service: workload.service,
        namespace: workload.namespace,
        instanceId,
        host: host === '' ? remoteAddress : host,
        port,
        protocol: protocol === '' ? 'http' : protocol,
        labels: workload.labels,
        sourceIp: remoteAddress,
      });
    } catch (error) {
      if (error instanceof RampartError) return fail(error);
      throw error;
    }
  }

  #identity(): RegistryIdentity {
    const { peer, workload } = this.#options;
    return { kind: 'spiffe', id: peer.id, service: workload.service, serial: peer.serial };
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
