import type { Authority } from '@rampart/authority';
import { BoundedCache, type Clock, serviceHost } from '@rampart/core';
import type { Registry } from '@rampart/registry';

export interface CalledEndsOptions {
  readonly registry: Pick<Registry, 'services'>;
  readonly authority: Pick<Authority, 'list'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Hosts of services: "orders-api.default.svc". */
type Hosts = ReadonlySet<string>;

const MOST_IDENTITIES = 10_000;
const NEWEST_CERTIFICATES = 20;
/** What an identity serves is looked up again after this time. */
const KNOWN_MS = 10_000;

/**
 * For which services a workload may say what was asked of them: those that it is registered for, and those that it was attested as
 * and may have left. What it says of others is said by nobody who was called.
 */
export class CalledEnds {
  readonly #options: CalledEndsOptions;
  readonly #known = new BoundedCache<string, { readonly hosts: Promise<Hosts>; readonly until: number }>(
    MOST_IDENTITIES,
  );

  constructor(options: CalledEndsOptions) {
    this.#options = options;
  }

  servedBy(spiffeId: string): Promise<Hosts> {
    const now = this.#options.clock.now();
    const known = this.#known.get(spiffeId);
    if (known !== undefined && now < known.until) return known.hosts;
    const hosts = this.#lookUp(spiffeId);
    this.#known.set(spiffeId, { hosts, until: now + KNOWN_MS });
    return hosts;
  }

  async #lookUp(spiffeId: string): Promise<Hosts> {
    const { registry, authority } = this.#options;
    const hosts = new Set<string>();
    for (const service of registry.services()) {
      if (service.instances.some(({ identity }) => identity === spiffeId)) hosts.add(serviceHost(service));
    }
    for (const { workload } of await authority.list({ spiffeId, limit: NEWEST_CERTIFICATES })) {
      if (workload === undefined || workload.service === '') continue;
      hosts.add(serviceHost({ name: workload.service, namespace: workload.namespace }));
    }
    return hosts;
  }
}
