import type { Discovered, DiscoveredInstance, DiscoveryQuery, ServiceKey, ServiceSummary } from './discovery.ts';
import type { HistoryEntry } from './history.ts';
import { filterOf } from './query.ts';

type Health = NonNullable<DiscoveryQuery['health']>;

/** A service and the instances that are registered now, whatever their health. Never changed; a change makes a new one. */
export interface Service extends Discovered {
  readonly name: string;
  readonly namespace: string;
}

/**
 * A service as the catalogue keeps it. Answers are made when they are asked for, and once for each change: registering
 * the n-th instance of a service does not cost n.
 */
export class ServiceRecord {
  readonly name: string;
  readonly namespace: string;
  /** "namespace/name", one text for all that is about the service. */
  readonly key: string;
  /** Of the last change. */
  revision: number;
  /** In the order of registration. */
  readonly instances: Map<string, DiscoveredInstance> = new Map();
  /** Changes that history still reaches, oldest first. */
  readonly log: HistoryEntry[] = [];
  #whole: Service | undefined;
  #healthy: Partial<Record<Health, Discovered>> | undefined;
  #summary: ServiceSummary | undefined;

  constructor({ service, namespace }: ServiceKey, revision: number) {
    this.name = service;
    this.namespace = namespace;
    this.key = keyOf(namespace, service);
    this.revision = revision;
  }

  /** Every instance, as one object until the next change. */
  whole(): Service {
    const { name, namespace, revision } = this;
    this.#whole ??= { name, namespace, revision, instances: [...this.instances.values()] };
    return this.#whole;
  }

  /** Those of a health, as one object until the next change. */
  healthy(health: Health): Discovered {
    const answers = (this.#healthy ??= {});
    let found = answers[health];
    if (found === undefined) {
      const isMeant = filterOf({ service: this.name, namespace: this.namespace, health });
      const { revision, instances } = this.whole();
      found = { revision, instances: isMeant === undefined ? instances : instances.filter(isMeant) };
      answers[health] = found;
    }
    return found;
  }

  summary(): ServiceSummary {
    const { name, namespace, revision, instances } = this;
    this.#summary ??= { name, namespace, revision, instances: instances.size, tags: this.#tags() };
    return this.#summary;
  }

  changed(revision: number): void {
    this.revision = revision;
    this.#whole = undefined;
    this.#healthy = undefined;
    this.#summary = undefined;
  }

  #tags(): string[] {
    const tags = new Set<string>();
    for (const instance of this.instances.values()) for (const tag of instance.tags) tags.add(tag);
    return [...tags].sort();
  }
}

/** What a service is found by. No name has a "/". */
export function keyOf(namespace: string, service: string): string {
  return `${namespace}/${service}`;
}
