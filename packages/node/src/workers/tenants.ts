import type { InstanceTraits, LocalInstance, LocalInstances } from '@rampart/mesh';

import type { FromWorker, ToWorker } from './messages.ts';

/** A worker, thread or process, that serves under this process's name. */
export interface Tenant {
  send(message: ToWorker): void;
}

/** One port, however many workers serve it. */
interface Place {
  readonly key: string;
  readonly instanceId: string;
  holders: number;
}

/** What workers serve: each port is one instance in the registry, from the first worker that opens it to the last that closes it. */
export class Tenants {
  readonly #instances: LocalInstances;
  readonly #traits: InstanceTraits;
  readonly #places = new Map<string, Place>();
  /** What each of them serves, by the id that it gave. */
  readonly #held = new Map<Tenant, Map<string, Place>>();
  readonly #leaving = new Map<Tenant, () => void>();

  /** `traits`: what each instance says of itself. */
  constructor(instances: LocalInstances, traits: InstanceTraits) {
    this.#instances = instances;
    this.#traits = traits;
  }

  receive(tenant: Tenant, message: FromWorker): void {
    switch (message.kind) {
      case 'open':
        this.#open(tenant, message.instance);
        break;
      case 'close':
        this.#close(tenant, message.instanceId);
        break;
      case 'left':
        this.#leaving.get(tenant)?.();
        break;
    }
  }

  /** It is there no more, whatever it said last. */
  gone(tenant: Tenant): void {
    for (const instanceId of this.#held.get(tenant)?.keys() ?? []) this.#close(tenant, instanceId);
    this.#held.delete(tenant);
    this.#leaving.get(tenant)?.();
  }

  /** Takes all of it out of the registry, while the workers finish what they have begun. */
  withdraw(): void {
    for (const { instanceId } of this.#places.values()) this.#instances.remove(instanceId);
  }

  /** Asks those that serve to finish; resolves once all of them have, or are gone. */
  async leave(): Promise<void> {
    const serving = [...this.#held.keys()];
    await Promise.all(
      serving.map(
        (tenant) =>
          new Promise<void>((resolve) => {
            this.#leaving.set(tenant, resolve);
            tenant.send({ kind: 'leave' });
          }),
      ),
    );
  }

  #open(tenant: Tenant, instance: LocalInstance): void {
    const key = `${instance.host} ${instance.port}`;
    const place = this.#places.get(key) ?? { key, instanceId: instance.instanceId, holders: 0 };
    if (place.holders === 0) {
      this.#places.set(key, place);
      this.#instances.add({ ...instance, traits: this.#traits });
    }
    place.holders += 1;
    const held = this.#held.get(tenant) ?? new Map<string, Place>();
    this.#held.set(tenant, held.set(instance.instanceId, place));
    tenant.send({ kind: 'opened', instanceId: instance.instanceId, registered: place.instanceId });
  }

  #close(tenant: Tenant, instanceId: string): void {
    const held = this.#held.get(tenant);
    const place = held?.get(instanceId);
    if (held === undefined || place === undefined) return;
    held.delete(instanceId);
    place.holders -= 1;
    if (place.holders > 0) {
      tenant.send({ kind: 'closed', registered: place.instanceId });
      return;
    }
    this.#places.delete(place.key);
    this.#instances.remove(place.instanceId);
  }
}
