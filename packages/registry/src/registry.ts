import type { Clock, Random, RampartError, Result } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { SpeakingAgent } from './access/check-warrant.ts';
import type { Admission } from './admission/admission.ts';
import type { RegistryIdentity } from './admission/identity.ts';
import type { ServiceListener } from './discovery/catalogue.ts';
import type { DiscoveredInstance, Discovery } from './discovery/discovery.ts';
import type { Service } from './discovery/service.ts';
import type { CheckStatus } from './health/check.ts';
import type { Probe } from './health/probe.ts';
import type { ProbeLimits } from './health/probe-target.ts';
import type { LeaseKind } from './leases/leases.ts';
import { LeasedRegistry } from './leased-registry.ts';
import type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
import type { SensitiveKeys } from './sensitive/sensitive-keys.ts';
import type { Instance, RegistryStore, StoredInstance } from './store.ts';

export interface RegistryOptions {
  readonly store: RegistryStore;
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Clock;
  /** Measures leases and the times of checks, so that nobody loses them when the clock is set; the clock unless given. */
  readonly steady?: Clock;
  /** How long an instance without a control stream can still be found, milliseconds; 10 000 unless given. */
  readonly leaseMs?: number;
  readonly random: Random;
  /** Who may register what; `ownServiceAdmission` unless given. */
  readonly admission?: Admission;
  /** Which metadata no record shows, now; what usually is sensitive unless given. */
  readonly sensitive?: () => SensitiveKeys;
  /**
   * Whether what an instance was registered with is revoked; false unless given. Asked when the registration is durable, because
   * it may have been revoked meanwhile: who withdraws what is registered did not see it then.
   */
  readonly isRevoked?: (instance: Instance) => boolean;
  /** Where checks may be run; only where registrations come from, and no scripts, unless given. */
  readonly probes?: ProbeLimits;
  /** Hears of failures that no caller waits for: a listener that threw, a store that could not forget an expired instance yet. */
  readonly onFailure?: (error: unknown) => void;
}

/** Who offers which service where, and in what state. Registered instances and what operators said of them are durable, leases are not. */
export interface Registry {
  /** What can be found. */
  readonly discovery: Discovery;
  /**
   * Durable and on the audit record before it resolves; then the instance has one lease period to attach.
   * The same owner may repeat it (nothing happens but that the lease counts from the start) or change its values.
   * INVALID_ARGUMENT names every bad field; PERMISSION_DENIED when the instance id is held by another owner or when the
   * admission refuses. Throws `RampartError` STORAGE_FAILED when it could not be kept.
   */
  register(who: RegistryIdentity, request: RegistrationRequest): Promise<Result<DiscoveredInstance, RampartError>>;
  /** NOT_FOUND when there is no such instance, PERMISSION_DENIED when the admission refuses: it is another's. */
  deregister(
    who: RegistryIdentity,
    instanceId: string,
    request: DeregistrationRequest,
  ): Promise<Result<void, RampartError>>;
  /** Leases begin anew; gives the ids that are not registered, or not to be renewed by this identity. */
  renew(who: RegistryIdentity, instanceIds: readonly string[]): Promise<readonly string[]>;
  /** A draining instance finishes what it has and is given nothing new. Durable and recorded before it resolves; errors as `deregister`. */
  drain(
    who: RegistryIdentity,
    instanceId: string,
    request: { readonly draining: boolean } & Origin,
  ): Promise<Result<DiscoveredInstance, RampartError>>;
  /** Out of service until taken back without `maintenance`. Durable and recorded before it resolves; errors as `deregister`. */
  setMaintenance(
    who: RegistryIdentity,
    instanceId: string,
    request: { readonly maintenance?: { readonly reason: string } } & Origin,
  ): Promise<Result<DiscoveredInstance, RampartError>>;
  /** INVALID_ARGUMENT when it is no TTL check, NOT_FOUND when there is no such check or instance; else errors as `deregister`. */
  reportCheck(
    who: RegistryIdentity,
    instanceId: string,
    report: CheckReport,
  ): Promise<Result<DiscoveredInstance, RampartError>>;
  /**
   * What an agent's run of a check of its own host found. Fails, changing nothing, when there is no such check for agents to
   * run, or the agent does not speak for the instance.
   */
  reportFromHost(agent: SpeakingAgent, report: AgentReport): Result<void, ReportRefusal>;
  /** From here on the checks that the server runs are run; until then they say what they said last. */
  startChecks(probe: Probe): void;
  /** A control stream of the instance is up and holds its lease; each is ended by its own `detach`. False: no such instance. */
  attach(instanceId: string): boolean;
  /** A control stream is gone; after the last one the lease counts down. */
  detach(instanceId: string): void;
  leaseOf(instanceId: string): LeaseKind | undefined;
  /** Undefined when the service has no instance. */
  lookup(name: { readonly name: string; readonly namespace: string }): Service | undefined;
  services(): readonly Service[];
  /** Revision of the newest change; with `services()` and `watch()` in the same turn nothing is missed. */
  readonly revision: number;
  /** Calls back at every change of a service, in the order of revisions; returns how to end it. */
  watch(listener: ServiceListener): () => void;
  /** Stops counting leases and waits for what is on its way to the store. */
  close(): Promise<void>;
}

/** Where a request came from. */
export interface Origin {
  /** Address of the other end, for the audit record. */
  readonly sourceIp?: string;
}

/** What was said of a TTL check. */
export interface CheckReport extends Origin {
  /** The only TTL check of the instance unless given. */
  readonly checkId?: string;
  readonly status: CheckStatus;
  /** Cut to 4 KiB of UTF-8. */
  readonly output: string;
}

/** What an agent says of one of the checks that it runs. */
export interface AgentReport {
  readonly instanceId: string;
  readonly checkId: string;
  readonly status: CheckStatus;
  /** Cut to 4 KiB of UTF-8; what it was unless given. */
  readonly output?: string;
}

/** Why an agent's report was refused. For the record, and never for the agent. */
export interface ReportRefusal {
  /** Whether there is such a check for agents to run. */
  readonly isThere: boolean;
  readonly reason: string;
}

/** Changes that one epoch has room for: with 1000 a second, 115 days until the next restart. */
const REVISIONS_PER_EPOCH = 10_000_000_000;

/** Opens the registry on what the store holds: each instance has one lease period to attach again. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const epoch = await options.store.nextEpoch();
  const instances = [...(await options.store.instances())].sort(byRegistration);
  return new LeasedRegistry(options, { instances, revision: epoch * REVISIONS_PER_EPOCH });
}

function byRegistration({ instance: a }: StoredInstance, { instance: b }: StoredInstance): number {
  return a.registeredAt - b.registeredAt || (a.instanceId < b.instanceId ? -1 : 1);
}
