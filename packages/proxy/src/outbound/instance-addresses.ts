import type { MeshService, MeshView, Target } from '@rampart/mesh';

import type { Destination } from './destination.ts';

/** Which instance of the mesh answers at an address: what applications ask for that know instances by their addresses. */
export class InstanceAddresses {
  /** By "address port"; where several share one, the one that came last. */
  readonly #targets = new Map<string, Target>();
  /** By host of the service, what of the above is its. */
  readonly #keys = new Map<string, readonly string[]>();
  readonly #unsubscribe: () => void;

  constructor(view: MeshView) {
    for (const service of view.services) this.#adopt(service);
    this.#unsubscribe = view.subscribe(({ services }) => {
      for (const service of services) this.#adopt(service);
    });
  }

  /** Undefined for addresses that are not the mesh's. */
  at({ host, port }: Destination): Target | undefined {
    return this.#targets.get(keyOf(host, port));
  }

  close(): void {
    this.#unsubscribe();
  }

  #adopt(service: MeshService): void {
    for (const key of this.#keys.get(service.host) ?? []) {
      if (this.#targets.get(key)?.service.host === service.host) this.#targets.delete(key);
    }
    const keys: string[] = [];
    for (const endpoint of service.endpoints) {
      const key = keyOf(endpoint.host, endpoint.port);
      this.#targets.set(key, { service, endpoint });
      keys.push(key);
    }
    if (keys.length === 0) this.#keys.delete(service.host);
    else this.#keys.set(service.host, keys);
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`;
}
