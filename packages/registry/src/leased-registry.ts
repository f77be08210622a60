import { fail, ok, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import { CheckWarrant, type SpeakingAgent } from './access/check-warrant.ts';
import type { Admission, AdmissionRefusal, InstanceAction } from './admission/admission.ts';
import { nameOfIdentity, type RegistryIdentity } from './admission/identity.ts';
import { ownServiceAdmission } from './admission/own-service.ts';
import { Catalogue, type ServiceListener } from './discovery/catalogue.ts';
import type { DiscoveredInstance, Discovery } from './discovery/discovery.ts';
import type { Service } from './discovery/service.ts';
import { deregistration, registryEvent, REVOKED_REASON, standingChange } from './events.ts';
import type { RegistryEventContext } from './events.ts';
import type { CheckDefinition } from './health/check.ts';
import { checkOutput } from './health/check-output.ts';
import { initialState, type Standing, stateOf } from './health/instance-state.ts';
import { HealthMonitor, type Observation } from './health/monitor.ts';
import type { Probe } from './health/probe.ts';
import { NO_PROBES_ELSEWHERE, probeProblem } from './health/probe-target.ts';
import { instanceOf, isSame } from './registration/instance.ts';
import { apartId, givenIdOf, isApart } from './registration/owned-id.ts';
import { Deadlines } from './leases/deadlines.ts';
import { type LeaseKind, Leases } from './leases/leases.ts';
import { instanceAlone, standingOf, storedOf } from './registration/kept.ts';
import { foreignIdentity, unwantedChecks } from './registration/refusals.ts';
import { checkRegistration } from './registration/registration.ts';
import { SensitiveKeys } from './sensitive/sensitive-keys.ts';
import type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
import type { AgentReport, CheckReport, Origin, Registry, RegistryOptions, ReportRefusal } from './registry.ts';
import type { Instance, StoredInstance } from './store.ts';
import { Turns } from './turns.ts';

const DEFAULT_LEASE_MS = 10_000;

type Registered = Result<DiscoveredInstance, RampartError>;

/** The registry over a catalogue in memory, leases on a clock and a durable store. */
export class LeasedRegistry implements Registry {
  readonly #options: RegistryOptions;
  readonly #sensitive: () => SensitiveKeys;
  readonly #admission: Admission;
  readonly #leaseMs: number;
  readonly #catalogue: Catalogue;
  readonly #leases: Leases;
  readonly #monitor: HealthMonitor;
  /** Instances that are critical and are not to be for long. */
  readonly #critical: Deadlines;
  /** Changes of one instance happen one after the other. */
  readonly #turns = new Turns();
  #closed = false;
  /** Whether some instance may be kept under another id than the one that it was given. */
  #hasApart = false;

  constructor(
    options: RegistryOptions,
    { instances, revision }: { readonly instances: readonly StoredInstance[]; readonly revision: number },
  ) {
    this.#options = options;
    const usual = new SensitiveKeys();
    this.#sensitive = options.sensitive ?? ((): SensitiveKeys => usual);
    this.#admission = options.admission ?? ownServiceAdmission;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    const now = options.clock.now();
    this.#catalogue = new Catalogue({
      revision,
      instances: instances.map(({ instance, ...kept }) => ({ ...instance, state: initialState(instance, kept, now) })),
      listenerFailed: (error) => options.onFailure?.(error),
    });
    const { steady = options.clock } = options;
    this.#leases = new Leases({ clock: steady, ended: (instanceId) => this.#expire(instanceId) });
    this.#critical = new Deadlines(steady, (instanceId) => this.#reap(instanceId));
    this.#monitor = new HealthMonitor({
      at: 'control-plane',
      clock: steady,
      random: options.random,
      observe: (instanceId, seen) => void this.#observe(instanceId, seen),
      failed: (error) => options.onFailure?.(error),
    });
    for (const { instance } of instances) {
      const shown = this.#catalogue.instance(instance.instanceId);
      if (shown !== undefined) this.#care(shown, undefined);
    }
    this.#hasApart = instances.some(({ instance }) => isApart(instance.instanceId));
  }

  get discovery(): Discovery {
    return this.#catalogue;
  }

  get revision(): number {
    return this.#catalogue.revision;
  }

  async register(who: RegistryIdentity, request: RegistrationRequest): Promise<Registered> {
    const checked = checkRegistration(request);
    if (!checked.ok) {
      await this.#audit('REGISTRATION_DENIED', { who, request, details: { reason: checked.problem.message } });
      return checked;
    }
    const aimed = probeProblem(who, request, this.#options.probes ?? NO_PROBES_ELSEWHERE);
    if (aimed !== undefined) return this.#refuse(who, request, unwantedChecks(aimed));
    const foreign = foreignIdentity(who, request);
    const admitted = foreign ?? (await this.#admission.admit(who, request));
    if (!admitted.ok) return this.#refuse(who, request, admitted.problem);
    return this.#turns.run(request.instanceId, () => {
      const instanceId = this.#ownId(who, request.instanceId);
      const holder = this.#catalogue.instance(instanceId);
      const own = instanceId === request.instanceId ? request : { ...request, instanceId };
      if (holder === undefined || holder.owner === nameOfIdentity(who)) return this.#register(who, own, holder);
      return this.#registerBeside(who, own, holder);
    });
  }

  deregister(
    who: RegistryIdentity,
    instanceId: string,
    { reason, sourceIp = '' }: DeregistrationRequest,
  ): Promise<Result<void, RampartError>> {
    return this.#managed({ who, instanceId, action: 'deregister', sourceIp }, async (instance) => {
      const event = { ...deregistration(instance, reason, nameOfIdentity(who)), sourceIp };
      await this.#commit(instance.instanceId, this.#options.store.remove(instance.instanceId), event);
      this.#forget(instance);
      return ok(undefined);
    });
  }

  async renew(who: RegistryIdentity, instanceIds: readonly string[]): Promise<readonly string[]> {
    const unknown: string[] = [];
    for (const given of instanceIds) {
      const instanceId = this.#ownId(who, given);
      const instance = this.#catalogue.instance(instanceId);
      const may = instance !== undefined && (await this.#admission.manage(who, instance, 'renew')).ok;
      if (!may || !(await this.#renew(instanceId))) unknown.push(given);
    }
    return unknown;
  }

  drain(
    who: RegistryIdentity,
    instanceId: string,
    { draining, sourceIp = '' }: { readonly draining: boolean } & Origin,
  ): Promise<Registered> {
    return this.#managed({ who, instanceId, action: 'drain', sourceIp }, (instance) =>
      this.#stand({ who, sourceIp }, instance, { ...standingOf(instance), draining }),
    );
  }

  setMaintenance(
    who: RegistryIdentity,
    instanceId: string,
    { maintenance, sourceIp = '' }: { readonly maintenance?: { readonly reason: string } } & Origin,
  ): Promise<Registered> {
    return this.#managed({ who, instanceId, action: 'maintenance', sourceIp }, (instance) => {
      const { draining } = instance.state;
      const standing = maintenance === undefined ? { draining } : { draining, maintenance: { ...maintenance } };
      return this.#stand({ who, sourceIp }, instance, standing);
    });
  }

  reportCheck(who: RegistryIdentity, instanceId: string, report: CheckReport): Promise<Registered> {
    const { sourceIp = '' } = report;
    return this.#managed({ who, instanceId, action: 'report', sourceIp }, async (instance) => {
      const own = instance.checks.filter(({ kind }) => kind.type === 'ttl');
      const { checkId = own.length === 1 ? own[0]?.checkId : undefined, status, output } = report;
      const check = instance.checks.find((one) => one.checkId === checkId);
      if (check === undefined) {
        const text = `instance ${JSON.stringify(instanceId)} has no check ${JSON.stringify(checkId ?? '')}; it has ${instance.checks.map((one) => one.checkId).join(', ') || 'none'}`;
        return fail(new RampartError('NOT_FOUND', text));
      }
      if (check.kind.type !== 'ttl') {
        const runner = check.runBy === 'agent' ? 'the agent of its host' : 'the control plane';
        const text = `check ${check.checkId} is run by ${runner}; only TTL checks are reported`;
        return fail(new RampartError('INVALID_ARGUMENT', text));
      }
      this.#monitor.heard(instance, check);
      const seen = { checkId: check.checkId, status, output: checkOutput(output) };
      return ok(this.#observe(instance.instanceId, seen) ?? instance);
    });
  }

  reportFromHost(agent: SpeakingAgent, { instanceId, checkId, ...said }: AgentReport): Result<void, ReportRefusal> {
    const instance = this.#catalogue.instance(instanceId);
    const check = instance?.checks.find((one) => one.checkId === checkId && one.runBy === 'agent');
    if (instance === undefined || check === undefined)
      return fail({ isThere: false, reason: 'there is no such check for agents' });
    const warrant = CheckWarrant.judge(agent, instance);
    if (!warrant.ok) return fail({ isThere: true, reason: warrant.problem });
    this.#hear(warrant.value, { instance, check }, said);
    return ok(undefined);
  }

  startChecks(probe: Probe): void {
    if (!this.#closed) this.#monitor.start(probe);
  }

  attach(instanceId: string): boolean {
    return this.#leases.attach(instanceId);
  }

  detach(instanceId: string): void {
    this.#leases.detach(instanceId);
  }

  leaseOf(instanceId: string): LeaseKind | undefined {
    return this.#leases.kind(instanceId);
  }

  lookup({ name, namespace }: { readonly name: string; readonly namespace: string }): Service | undefined {
    return this.#catalogue.service({ service: name, namespace });
  }

  services(): readonly Service[] {
    return this.#catalogue.wholeServices();
  }

  watch(listener: ServiceListener): () => void {
    return this.#catalogue.watchServices(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leases.releaseAll();
    this.#monitor.close();
    this.#critical.clear();
    await this.#turns.idle();
    this.#leases.releaseAll();
  }

  /** The id is another owner's: refused where the caller may know that, or does not want to be kept apart from it. */
  async #registerBeside(
    who: RegistryIdentity,
    request: RegistrationRequest,
    holder: DiscoveredInstance,
  ): Promise<Registered> {
    const managed = await this.#admission.manage(who, holder, 'deregister');
    const isHidden = !managed.ok && managed.problem.error.code === 'NOT_FOUND';
    if (!isHidden && (request.mayBeApart !== true || who.kind === 'operator'))
      return this.#refuseHolder(who, request, holder);
    this.#hasApart = true;
    const instanceId = apartId(request.instanceId, nameOfIdentity(who));
    return this.#register(who, { ...request, instanceId }, this.#catalogue.instance(instanceId));
  }

  /** The id under which an instance is kept that this identity names so. */
  #ownId(who: RegistryIdentity, instanceId: string): string {
    if (!this.#hasApart || isApart(instanceId)) return instanceId;
    if (this.#catalogue.instance(instanceId)?.owner === nameOfIdentity(who)) return instanceId;
    const apart = apartId(instanceId, nameOfIdentity(who));
    return this.#catalogue.instance(apart) === undefined ? instanceId : apart;
  }

  /** @param before What is there under the same id, of the same owner. */
  async #register(
    who: RegistryIdentity,
    request: RegistrationRequest,
    before: DiscoveredInstance | undefined,
  ): Promise<Registered> {
    const instance = instanceOf(who, request, this.#options.clock.now());
    if (before !== undefined && isSame(instanceAlone(before), instance)) return this.#repeat(before, instance);
    const { namespace, host, port, protocol, labels } = instance;
    const metadata = this.#sensitive().forRecord({ ...labels, ...instance.metadata });
    // In the order in which they are printed.
    const details = { host, metadata, namespace, outcome: 'REGISTRATION_SUCCESS', port, protocol };
    const event = registryEvent('REGISTRATION', { who, request, details });
    const stored = { instance, standing: standingOf(before), checks: before?.state.checks ?? [] };
    await this.#commit(instance.instanceId, this.#options.store.save(stored), event);
    // The checks of one that was there may have been run meanwhile.
    const now = before === undefined ? undefined : this.#catalogue.instance(instance.instanceId);
    const kept = { standing: stored.standing, checks: now?.state.checks ?? [] };
    const shown = { ...instance, state: initialState(instance, kept, instance.registeredAt) };
    this.#catalogue.put(shown);
    this.#care(shown, before);
    this.#leaveToRevocation(shown);
    return ok(shown);
  }

  /** The same once more: of it, only the certificate that was shown may be another one, which is no news to anybody. */
  async #repeat(before: DiscoveredInstance, { serial, registeredAt }: Instance): Promise<Registered> {
    this.#grant(before);
    if (serial === undefined || serial === before.serial) return ok(before);
    await this.#options.store.save(storedOf({ ...before, serial }));
    const shown = { ...(this.#catalogue.instance(before.instanceId) ?? before), serial };
    this.#catalogue.amend(shown);
    this.#leaveToRevocation({ ...shown, registeredAt });
    return ok(shown);
  }

  #leaveToRevocation(instance: Instance): void {
    const { isRevoked = (): boolean => false } = this.#options;
    if (isRevoked(instance)) this.#drop(instance.instanceId, REVOKED_REASON, isRevoked);
  }

  /** A lease that has ended is unknown once nobody can find the instance any more, and not before. */
  async #renew(instanceId: string): Promise<boolean> {
    if (this.#leases.renew(instanceId)) return true;
    return this.#turns.run(givenIdOf(instanceId), async () => this.#leases.renew(instanceId));
  }

  /** Does something to an instance in its turn, when it is there and the admission lets this identity. */
  #managed<T>(
    {
      who,
      instanceId,
      action,
      sourceIp = '',
    }: {
      readonly who: RegistryIdentity;
      readonly instanceId: string;
      readonly action: InstanceAction;
      readonly sourceIp?: string;
    },
    work: (instance: DiscoveredInstance) => Promise<Result<T, RampartError>>,
  ): Promise<Result<T, RampartError>> {
    return this.#turns.run(givenIdOf(instanceId), async () => {
      const instance = this.#catalogue.instance(this.#ownId(who, instanceId));
      if (instance === undefined)
        return fail(new RampartError('NOT_FOUND', `instance ${JSON.stringify(instanceId)} is not registered`));
      const allowed = await this.#admission.manage(who, instance, action);
      if (!allowed.ok) return this.#refuse(who, { ...instance, sourceIp }, allowed.problem);
      return work(instance);
    });
  }

  async #stand(
    by: { readonly who: RegistryIdentity; readonly sourceIp: string },
    instance: DiscoveredInstance,
    standing: Standing,
  ): Promise<Registered> {
    const { instanceId, state } = instance;
    const shown: DiscoveredInstance = { ...instance, state: stateOf(standing, state.checks) };
    const stored = storedOf(shown);
    await this.#commit(instanceId, this.#options.store.save(stored), standingChange(by, instance, standing));
    const now = this.#catalogue.instance(instanceId);
    const current = { ...shown, state: stateOf(standing, now?.state.checks ?? state.checks) };
    this.#catalogue.put(current);
    this.#countCritical(current);
    return ok(current);
  }

  /** A check said something: what is shown follows at once, the store after it. */
  #observe(instanceId: string, { checkId, output, status }: Observation): DiscoveredInstance | undefined {
    const instance = this.#catalogue.instance(instanceId);
    const before = instance?.state.checks.find((check) => check.checkId === checkId);
    if (instance === undefined || before === undefined) return undefined;
    const isNews = status !== undefined && status !== before.status;
    if (!isNews && output === before.output) return instance;
    const said = isNews ? { ...before, status, output, changedAt: this.#options.clock.now() } : { ...before, output };
    const checks = instance.state.checks.map((check) => (check === before ? said : check));
    const shown = { ...instance, state: stateOf(standingOf(instance), checks) };
    if (!isNews) {
      this.#catalogue.amend(shown);
      return shown;
    }
    this.#catalogue.put(shown);
    this.#countCritical(shown);
    this.#reconcile(instanceId).catch((error: unknown) => this.#insist(() => this.#reconcile(instanceId), error));
    return shown;
  }

  /** What an agent says of a check, which must be one of the instance that it has a warrant for. */
  #hear(
    warrant: CheckWarrant,
    { instance, check }: { readonly instance: DiscoveredInstance; readonly check: CheckDefinition },
    { status, output }: Pick<AgentReport, 'status' | 'output'>,
  ): void {
    if (warrant.instanceId !== instance.instanceId) return;
    const { checkId } = check;
    const known = instance.state.checks.find((state) => state.checkId === checkId);
    this.#monitor.heard(instance, check);
    this.#observe(instance.instanceId, {
      checkId,
      status,
      output: output === undefined ? (known?.output ?? '') : checkOutput(output),
    });
  }

  /** What runs beside an instance from now on: its lease, its checks, and how long it may be critical. */
  #care(shown: DiscoveredInstance, before: Instance | undefined): void {
    this.#grant(shown);
    this.#monitor.follow(shown, before);
    this.#countCritical(shown);
  }

  #countCritical({ instanceId, deregisterCriticalAfterMs, state }: DiscoveredInstance): void {
    if (deregisterCriticalAfterMs === undefined || state.health !== 'critical') this.#critical.delete(instanceId);
    else if (!this.#critical.has(instanceId)) this.#critical.set(instanceId, deregisterCriticalAfterMs);
  }

  #grant({ instanceId, leaseMs }: Instance): void {
    this.#leases.grant(instanceId, leaseMs ?? this.#leaseMs);
  }

  /** The change and its record go to their stores in one turn. Whatever part of them fails, the store is put back to what can be found. */
  async #commit(instanceId: string, stored: Promise<void>, event: AuditEvent): Promise<void> {
    const recorded = this.#options.journal.audit(event);
    // Until it is looked at nobody else would, and both must be over before anything is put back.
    recorded.catch(() => undefined);
    try {
      await stored;
      await recorded;
    } catch (error) {
      await Promise.allSettled([stored, recorded]);
      this.#insist(() => this.#reconcile(instanceId));
      throw error;
    }
  }

  #expire(instanceId: string): void {
    // While this waits for its turn, the instance may come back.
    this.#drop(instanceId, 'lease expired', () => this.#leases.hasEnded(instanceId));
  }

  #reap(instanceId: string): void {
    this.#drop(instanceId, 'critical for too long', ({ state }) => state.health === 'critical');
  }

  /** Takes away an instance that nobody asked to take away, if the reason still holds when its turn comes. */
  #drop(instanceId: string, reason: string, holds: (instance: DiscoveredInstance) => boolean): void {
    const dropped = this.#turns.run(givenIdOf(instanceId), async () => {
      const instance = this.#catalogue.instance(instanceId);
      if (instance === undefined || !holds(instance)) return;
      // It is found until its end is durable: a crash must not bring back what somebody saw to be gone.
      this.#letGo(instance);
      const removed = this.#options.store.remove(instanceId);
      const event = deregistration(instance, reason);
      const [removal, record] = await Promise.allSettled([removed, this.#options.journal.audit(event)]);
      this.#catalogue.remove(instanceId);
      if (removal.status === 'rejected') this.#insist(() => this.#reconcile(instanceId), removal.reason);
      if (record.status === 'rejected')
        this.#insist(async () => void (await this.#options.journal.audit(event)), record.reason);
    });
    dropped.catch((error: unknown) => this.#options.onFailure?.(error));
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
    return this.#turns.run(givenIdOf(instanceId), async () => {
      const instance = this.#catalogue.instance(instanceId);
      await (instance === undefined
        ? this.#options.store.remove(instanceId)
        : this.#options.store.save(storedOf(instance)));
    });
  }

  #forget(instance: DiscoveredInstance): void {
    this.#letGo(instance);
    this.#catalogue.remove(instance.instanceId);
  }

  /** Nobody holds or renews it any more, and nobody looks after it. */
  #letGo(instance: DiscoveredInstance): void {
    const { instanceId } = instance;
    this.#leases.release(instanceId);
    this.#monitor.unfollow(instance);
    this.#critical.delete(instanceId);
  }

  async #refuse(
    who: RegistryIdentity,
    request: RegistryEventContext['request'],
    { event, error, details }: AdmissionRefusal,
  ): Promise<Result<never, RampartError>> {
    await this.#audit(event, { who, request, details });
    return fail(error);
  }

  #refuseHolder(
    who: RegistryIdentity,
    request: RegistrationRequest,
    { instanceId, owner }: Instance,
  ): Promise<Result<never, RampartError>> {
    const message = `instance ${JSON.stringify(instanceId)} is held by another identity; use an instance id of your own`;
    return this.#refuse(who, request, {
      event: 'REGISTRATION_DENIED',
      error: new RampartError('PERMISSION_DENIED', message),
      details: { reason: 'held by another identity', holder: owner },
    });
  }

  async #audit(eventType: string, context: RegistryEventContext): Promise<void> {
    await this.#options.journal.audit(registryEvent(eventType, context));
  }
}
