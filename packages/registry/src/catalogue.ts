import type { Instance } from './store.ts';

/** A service and the instances that can be found now. Never changed; a change makes a new one. */
export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** In the order of registration; empty when the service is gone. */
  readonly instances: readonly Instance[];
}

/** The new state of one service. */
export interface ServiceChange {
  /** Larger than that of every change before, across restarts too. */
  readonly revision: number;
  readonly service: Service;
}

export type ServiceListener = (change: ServiceChange) => void;

/** What can be found now: instances by id, and services as ready-made answers. */
export class Catalogue {
  #revision: number;
  readonly #instances = new Map<string, Instance>();
  readonly #services = new Map<string, Service>();
  readonly #listeners = new Set<ServiceListener>();
  readonly #listenerFailed: (error: unknown) => void;

  constructor(options: {
    readonly revision: number;
    readonly instances: readonly Instance[];
    readonly listenerFailed: (error: unknown) => void;
  }) {
    this.#revision = options.revision;
    this.#listenerFailed = options.listenerFailed;
    for (const instance of options.instances) this.#instances.set(instance.instanceId, instance);
    for (const [key, instances] of Map.groupBy(options.instances, serviceKey)) {
      const [{ service: name, namespace } = NOWHERE] = instances;
      this.#services.set(key, { name, namespace, instances });
    }
  }

  get revision(): number {
    return this.#revision;
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  service(name: string, namespace: string): Service | undefined {
    return this.#services.get(serviceKey({ service: name, namespace }));
  }

  services(): readonly Service[] {
    return [...this.#services.values()];
  }

  /** Shows the instance in place of any of the same id. */
  put(instance: Instance): void {
    const before = this.#instances.get(instance.instanceId);
    this.#instances.set(instance.instanceId, instance);
    if (before !== undefined && serviceKey(before) !== serviceKey(instance)) this.#withdraw(before);
    const shown = this.service(instance.service, instance.namespace)?.instances ?? [];
    const at = shown.findIndex(({ instanceId }) => instanceId === instance.instanceId);
    this.#publish(instance, at === -1 ? [...shown, instance] : shown.with(at, instance));
  }

  remove(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return;
    this.#instances.delete(instanceId);
    this.#withdraw(instance);
  }

  watch(listener: ServiceListener): () => void {
    // A listener of its own, so that the same function can watch twice and each end its own watch.
    const own: ServiceListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #withdraw(instance: Instance): void {
    const shown = this.service(instance.service, instance.namespace)?.instances ?? [];
    this.#publish(
      instance,
      shown.filter(({ instanceId }) => instanceId !== instance.instanceId),
    );
  }

  #publish({ service: name, namespace }: Instance, instances: readonly Instance[]): void {
    const service: Service = { name, namespace, instances };
    const key = serviceKey({ service: name, namespace });
    if (instances.length === 0) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#revision += 1;
    const change: ServiceChange = { revision: this.#revision, service };
    // Whoever begins to watch meanwhile begins after this change.
    for (const listener of Array.from(this.#listeners)) this.#tell(listener, change);
  }

  /** One listener's failure is not another's. */
  #tell(listener: ServiceListener, change: ServiceChange): void {
    try {
      listener(change);
    } catch (error) {
      this.#listenerFailed(error);
    }
  }
}

const NOWHERE = { service: '', namespace: '' };

function serviceKey({ service, namespace }: { readonly service: string; readonly namespace: string }): string {
  return `${namespace}/${service}`;
}
