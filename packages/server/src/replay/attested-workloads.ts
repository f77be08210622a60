import type { Authority } from '@rampart/authority';
import type { ServiceName } from '@rampart/core';
import type { Registry } from '@rampart/registry';

type Labels = Readonly<Record<string, string>>;

export interface AttestedWorkloadsOptions {
  readonly registry: Pick<Registry, 'services'>;
  readonly authority: Pick<Authority, 'list'>;
}

interface Attested {
  /** Different ones only once. */
  readonly labels: Labels[];
  /** "namespace/name". */
  readonly services: Set<string>;
}

const SCHEME = 'spiffe://';
const NEWEST_CERTIFICATES = 20;

/** What workloads are, or were: by the registry, and by what they were attested as once they are gone; never by what they say. */
export class AttestedWorkloads {
  readonly #authority: AttestedWorkloadsOptions['authority'];
  readonly #byInstance = new Map<string, Labels[]>();
  readonly #byPrincipal = new Map<string, Attested>();
  readonly #holders = new Map<string, Labels[]>();

  constructor({ registry, authority }: AttestedWorkloadsOptions) {
    this.#authority = authority;
    for (const { name, namespace, instances } of registry.services()) {
      for (const { identity, host, port, labels } of instances) {
        const principal = identity.slice(SCHEME.length);
        const place = `${principal} ${host}:${port}`;
        this.#byInstance.set(place, withLabels(this.#byInstance.get(place) ?? [], labels));
        const attested = this.#of(principal);
        withLabels(attested.labels, labels);
        attested.services.add(`${namespace}/${name}`);
      }
    }
  }

  /** Looks up who a principal was attested as; what its instances are now, counts for them alone. */
  async learn(principal: string): Promise<void> {
    if (principal === '' || this.#holders.has(principal)) {
      return;
    }
    const isServing = this.#byPrincipal.has(principal);
    const attested = this.#of(principal);
    const holders = [...attested.labels];
    this.#holders.set(principal, holders);
    const spiffeId = `${SCHEME}${principal}`;
    for (const { workload } of await this.#authority.list({ spiffeId, limit: NEWEST_CERTIFICATES })) {
      if (workload === undefined) {
        continue;
      }
      withLabels(holders, workload.labels);
      if (!isServing) {
        withLabels(attested.labels, workload.labels);
        attested.services.add(`${workload.namespace}/${workload.service}`);
      }
    }
  }

  /** Different labels only once, of everybody who was attested with the identity, whether it serves anything or not. */
  holdersOf(principal: string): readonly Labels[] {
    return this.#holders.get(principal) ?? [];
  }

  /** Different labels only once; those of the instance ("ip:port") where it is there. */
  labelsOf(principal: string, instance: string): readonly Labels[] {
    return this.#byInstance.get(`${principal} ${instance}`) ?? this.#byPrincipal.get(principal)?.labels ?? [];
  }

  /** Whether a principal may speak for a service. */
  serves(principal: string, { name, namespace }: ServiceName): boolean {
    return this.#byPrincipal.get(principal)?.services.has(`${namespace}/${name}`) === true;
  }

  #of(principal: string): Attested {
    const attested = this.#byPrincipal.get(principal) ?? { labels: [], services: new Set() };
    this.#byPrincipal.set(principal, attested);
    return attested;
  }
}

function withLabels(list: Labels[], labels: Labels): Labels[] {
  if (!list.some((other) => same(other, labels))) {
    list.push(labels);
  }
  return list;
}

function same(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
