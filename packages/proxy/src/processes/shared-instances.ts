import type { LocalInstance, LocalInstances } from '@rampart/mesh';

/** One place that the registry knows, for all processes that serve it. */
interface Held {
  readonly instanceId: string;
  readonly servers: Set<object>;
}

/** What the processes of a sidecar serve: each port is one instance, for as long as one of them has an application behind it. */
export class SharedInstances {
  readonly #instances: LocalInstances;
  readonly #held = new Map<string, Held>();
  #isOver = false;

  constructor(instances: LocalInstances) {
    this.#instances = instances;
  }

  /** A process serves it, or does not any more. */
  heard(server: object, instance: LocalInstance, isThere: boolean): void {
    const key = `${instance.host} ${instance.port}`;
    const held = this.#held.get(key);
    if (!isThere) this.#lose(server, key);
    else if (held !== undefined) held.servers.add(server);
    else if (!this.#isOver) {
      this.#held.set(key, { instanceId: instance.instanceId, servers: new Set([server]) });
      this.#instances.add(instance);
    }
  }

  /** A process has gone. */
  leave(server: object): void {
    for (const key of [...this.#held.keys()]) this.#lose(server, key);
  }

  /** All of them leave the registry, for good. */
  close(): void {
    this.#isOver = true;
    for (const { instanceId } of this.#held.values()) this.#instances.remove(instanceId);
    this.#held.clear();
  }

  #lose(server: object, key: string): void {
    const held = this.#held.get(key);
    if (held === undefined || !held.servers.delete(server) || held.servers.size > 0) return;
    this.#held.delete(key);
    this.#instances.remove(held.instanceId);
  }
}
