import type { MeshService, MeshView } from '@rampart/mesh';

import type { Destination } from '../captured-connection.ts';

/** Which service of the mesh answers at an address: what applications ask for that know an instance by its address. */
export class ServiceAddresses {
  /** By "address:port"; where several services share one, the one that came last. */
  readonly #services = new Map<string, MeshService>();
  /** By host of the service, what of the above is its. */
  readonly #keys = new Map<string, readonly string[]>();
  readonly #unsubscribe: () => void;

  constructor(view: MeshView) {
    this.#unsubscribe = view.subscribe(({ services }) => {
      for (const service of services) this.#adopt(service);
    });
  }

  /** The service by its name; undefined for addresses that are not the mesh's. */
  named({ host, port }: Destination): Destination | undefined {
    const service = this.#services.get(`${host} ${port}`);
    return service && { host: service.host, port };
  }

  close(): void {
    this.#unsubscribe();
  }

  #adopt(service: MeshService): void {
    for (const key of this.#keys.get(service.host) ?? []) {
      if (this.#services.get(key)?.host === service.host) this.#services.delete(key);
    }
    const keys = service.endpoints.map(({ host, port }) => `${host} ${port}`);
    for (const key of keys) this.#services.set(key, service);
    if (keys.length === 0) this.#keys.delete(service.host);
    else this.#keys.set(service.host, keys);
  }
}
