import type { RegistryAcl } from '@rampart/core';
import { RegistryPolicy } from '@rampart/registry';
import type { Change } from '../changes/change.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { ResourceSet } from '../resources/resource-set.ts';

export interface RegistryPoliciesOptions {
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly rootNamespace: string;
}

/** What the resources say of the registry, put together again only when one of them has changed. */
export class RegistryPolicies {
  readonly #options: RegistryPoliciesOptions;
  readonly #listeners = new Set<() => void>();
  #of = -1;
  #current = new RegistryPolicy([]);

  constructor(options: RegistryPoliciesOptions) {
    this.#options = options;
  }

  current(): RegistryPolicy {
    const { feed } = this.#options;
    if (this.#of !== feed.revision) {
      const changes = feed.resourcesSince(this.#of);
      this.#of = feed.revision;
      if (changes === 'compacted' || changes.some(isRegistryPolicy)) this.#current = this.#compile();
    }
    return this.#current;
  }

  /** Calls back when another policy is in force; returns how to end it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells those who listen, in the turn in which resources change. Returns how to end it. */
  follow(): () => void {
    let before = this.current();
    return this.#options.feed.watch(() => {
      const now = this.current();
      if (now === before) return;
      before = now;
      for (const listener of Array.from(this.#listeners)) listener();
    });
  }

  #compile(): RegistryPolicy {
    const { resources, rootNamespace } = this.#options;
    const acls: RegistryAcl[] = [];
    let settings = {};
    for (const { resource } of resources.all()) {
      if (resource.metadata.namespace !== rootNamespace) continue;
      if (resource.kind === 'RegistryAcl') acls.push(resource);
      if (resource.kind === 'RegistrySettings') settings = resource.spec;
    }
    return new RegistryPolicy(acls, settings);
  }
}

function isRegistryPolicy(change: Change): boolean {
  return change.kind === 'resource' && /^(?:RegistryAcl|RegistrySettings)\//.test(change.key);
}
