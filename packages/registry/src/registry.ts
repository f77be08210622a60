import type { Clock, Random, RampartError, Result, SpiffeId } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { Service, ServiceListener } from './catalogue.ts';
import { LeasedRegistry } from './leased-registry.ts';
import type { DeregistrationRequest, RegistrationRequest } from './registration/registration.ts';
import type { Instance, RegistryStore } from './store.ts';

export interface RegistryOptions {
  readonly store: RegistryStore;
  readonly journal: Journal;
  readonly clock: Clock;
  /** How long an instance without a control stream can still be found, milliseconds; 10 000 unless given. */
  readonly leaseMs?: number;
  readonly random: Random;
  /** Hears of failures that no caller waits for: a listener that threw, a store that could not forget an expired instance yet. */
  readonly onFailure?: (error: unknown) => void;
}

/** Who offers which service where. Registered instances are durable, leases are not. */
export interface Registry {
  /**
   * Durable and on the audit record before it resolves; then the instance has one lease period to attach.
   * The same identity may repeat it (nothing happens but that the lease counts from the start) or change its values.
   * INVALID_ARGUMENT names every bad field; PERMISSION_DENIED when the instance id is held by another identity or the
   * identity is not of the namespace it registers in. Throws `RampartError` STORAGE_FAILED when it could not be kept.
   */
  register(who: SpiffeId, request: RegistrationRequest): Promise<Result<Instance, RampartError>>;
  /** NOT_FOUND when there is no such instance, PERMISSION_DENIED when it is another identity's. */
  deregister(who: SpiffeId, instanceId: string, request: DeregistrationRequest): Promise<Result<void, RampartError>>;
  /** A control stream of the instance is up and holds its lease; each is ended by its own `detach`. False: no such instance. */
  attach(instanceId: string): boolean;
  /** A control stream is gone; after the last one the lease counts down. */
  detach(instanceId: string): void;
  lookup(name: { readonly name: string; readonly namespace: string }): Service | undefined;
  services(): readonly Service[];
  /** Revision of the newest change; with `services()` and `watch()` in the same turn nothing is missed. */
  readonly revision: number;
  /** Calls back at every change of a service, in the order of revisions; returns how to end it. */
  watch(listener: ServiceListener): () => void;
  /** Stops counting leases and waits for what is on its way to the store. */
  close(): Promise<void>;
}

/** Changes that one epoch has room for: with 1000 a second, 115 days until the next restart. */
const REVISIONS_PER_EPOCH = 10_000_000_000;

/** Opens the registry on what the store holds: each instance has one lease period to attach again. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const epoch = await options.store.nextEpoch();
  const instances = [...(await options.store.instances())].sort(byRegistration);
  return new LeasedRegistry(options, { instances, revision: epoch * REVISIONS_PER_EPOCH });
}

function byRegistration(a: Instance, b: Instance): number {
  return a.registeredAt - b.registeredAt || (a.instanceId < b.instanceId ? -1 : 1);
}
