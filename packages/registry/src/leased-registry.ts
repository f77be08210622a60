import { fail, ok, RampartError } from '@rampart/core';
import type { Result, SpiffeId } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import { Catalogue } from './catalogue.ts';
import type { Service, ServiceListener } from './catalogue.ts';
import { deregistration, registryEvent } from './events.ts';
import type { RegistryEventContext } from './events.ts';
import { instanceOf, isSame } from './registration/instance.ts';
import { Leases } from './leases/leases.ts';
import { checkRegistration } from './registration/registration.ts';
import type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
import type { Registry, RegistryOptions } from './registry.ts';
import type { Instance } from './store.ts';
import { Turns } from './turns.ts';

const DEFAULT_LEASE_MS = 10_000;

/** The registry over a catalogue in memory, leases on a clock and a durable store. */
export class LeasedRegistry implements Registry {
  readonly #options: RegistryOptions;
  readonly #leaseMs: number;
  readonly #catalogue: Catalogue;
  readonly #leases: Leases;
  /** Changes of one instance happen one after the other. */
  readonly #turns = new Turns();
  #closed = false;

  constructor(
    options: RegistryOptions,
    { instances, revision }: { readonly instances: readonly Instance[]; readonly revision: number },
  ) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#catalogue = new Catalogue({ revision, instances, listenerFailed: (error) => options.onFailure?.(error) });
    this.#leases = new Leases({
      clock: options.clock,
      milliseconds: this.#leaseMs,
      ended: (instanceId) => this.#expire(instanceId),
    });
    for (const { instanceId } of instances) this.#leases.grant(instanceId);
  }

  get revision(): number {
    return this.#catalogue.revision;
  }

  async register(who: SpiffeId, request: RegistrationRequest): Promise<Result<Instance, RampartError>> {
    const checked = checkRegistration(request);
    if (!checked.ok) {
      await this.#audit('REGISTRATION_DENIED', { who, request, details: { reason: checked.problem.message } });
      return checked;
    }
    if (who.namespace !== request.namespace) return this.#refuseNamespace(who, request);
    return this.#turns.run(request.instanceId, () => this.#register(who, request));
  }

  async deregister(
    who: SpiffeId,
    instanceId: string,
    { reason, sourceIp = '' }: DeregistrationRequest,
  ): Promise<Result<void, RampartError>> {
    return this.#turns.run(instanceId, async () => {
      const instance = this.#catalogue.get(instanceId);
      if (instance === undefined)
        return fail(new RampartError('NOT_FOUND', `instance ${JSON.stringify(instanceId)} is not registered`));
      if (instance.identity !== who.toString())
        return this.#refuseHolder('DEREGISTRATION_DENIED', instance, { who, request: { ...instance, sourceIp } });
      const event = { ...deregistration(instance, reason), sourceIp };
      await this.#commit(instanceId, this.#options.store.remove(instanceId), event);
      this.#forget(instanceId);
      return ok(undefined);
    });
  }

  attach(instanceId: string): boolean {
    return this.#leases.attach(instanceId);
  }

  detach(instanceId: string): void {
    this.#leases.detach(instanceId);
  }

  lookup({ name, namespace }: { readonly name: string; readonly namespace: string }): Service | undefined {
    return this.#catalogue.service(name, namespace);
  }

  services(): readonly Service[] {
    return this.#catalogue.services();
  }

  watch(listener: ServiceListener): () => void {
    return this.#catalogue.watch(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leases.releaseAll();
    await this.#turns.idle();
    this.#leases.releaseAll();
  }

  async #register(who: SpiffeId, request: RegistrationRequest): Promise<Result<Instance, RampartError>> {
    const before = this.#catalogue.get(request.instanceId);
    if (before !== undefined && before.identity !== who.toString())
      return this.#refuseHolder('REGISTRATION_DENIED', before, { who, request });
    const instance = instanceOf(who, request, this.#options.clock.now());
    if (before !== undefined && isSame(before, instance)) {
      this.#leases.grant(before.instanceId);
      return ok(before);
    }
    const { host, port, protocol, labels } = instance;
    const event = registryEvent('REGISTRATION', { who, request, details: { host, port, protocol, metadata: labels } });
    await this.#commit(instance.instanceId, this.#options.store.save(instance), event);
    this.#leases.grant(instance.instanceId);
    this.#catalogue.put(instance);
    return ok(instance);
  }

  /** The change and its record go to their stores in one turn. Whatever part of them fails, the store is put back to what can be found. */
  async #commit(instanceId: string, stored: Promise<void>, event: AuditEvent): Promise<void> {
    const outcomes = await Promise.allSettled([stored, this.#options.journal.audit(event)]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return;
    this.#insist(() => this.#reconcile(instanceId));
    throw failed.reason;
  }

  #expire(instanceId: string): void {
    const expired = this.#turns.run(instanceId, async () => {
      const instance = this.#catalogue.get(instanceId);
      // While this waited for its turn, the instance may have come back.
      if (instance === undefined || !this.#leases.hasEnded(instanceId)) return;
      this.#forget(instanceId);
      const removed = this.#options.store.remove(instanceId);
      const event = deregistration(instance, 'lease expired');
      const [removal, record] = await Promise.allSettled([removed, this.#options.journal.audit(event)]);
      if (removal.status === 'rejected') this.#insist(() => this.#reconcile(instanceId), removal.reason);
      if (record.status === 'rejected')
        this.#insist(async () => void (await this.#options.journal.audit(event)), record.reason);
    });
    expired.catch((error: unknown) => this.#options.onFailure?.(error));
  }

  /** Tries again and again, about once in a lease period, what nobody waits for but must come about. */
  #insist(work: () => Promise<void>, failure?: unknown): void {
    if (failure !== undefined) this.#options.onFailure?.(failure);
    if (this.#closed) return;
    const pause = this.#leaseMs * (0.5 + this.#options.random());
    this.#options.clock.after(pause, () => {
      if (!this.#closed) work().catch((error: unknown) => this.#insist(work, error));
    });
  }

  /** Makes the store hold of this instance what can be found of it. */
  #reconcile(instanceId: string): Promise<void> {
    return this.#turns.run(instanceId, async () => {
      const instance = this.#catalogue.get(instanceId);
      await (instance === undefined ? this.#options.store.remove(instanceId) : this.#options.store.save(instance));
    });
  }

  #forget(instanceId: string): void {
    this.#leases.release(instanceId);
    this.#catalogue.remove(instanceId);
  }

  async #refuseNamespace(who: SpiffeId, request: RegistrationRequest): Promise<Result<never, RampartError>> {
    await this.#audit('IDENTITY_MISMATCH', { who, request, details: { namespace: request.namespace } });
    const message = `${who.toString()} may not register in the namespace ${request.namespace}; a workload registers in its own`;
    return fail(new RampartError('PERMISSION_DENIED', message));
  }

  async #refuseHolder(
    eventType: string,
    { instanceId, identity }: Instance,
    context: Omit<RegistryEventContext, 'details'>,
  ): Promise<Result<never, RampartError>> {
    await this.#audit(eventType, { ...context, details: { reason: 'held by another identity', holder: identity } });
    const message = `instance ${JSON.stringify(instanceId)} is held by another identity; use an instance id of your own`;
    return fail(new RampartError('PERMISSION_DENIED', message));
  }

  async #audit(eventType: string, context: RegistryEventContext): Promise<void> {
    await this.#options.journal.audit(registryEvent(eventType, context));
  }
}
