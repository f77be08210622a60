import { fail, ok } from '@rampart/core';
import type { RegistryIdentity } from '../admission/identity.ts';
import type {
  Discovered,
  DiscoveredInstance,
  Discovery,
  DiscoveryQuery,
  IdMark,
  ServiceKey,
  ServiceSummary,
  WatchOpened,
  WatchScope,
} from '../discovery/discovery.ts';
import { allVisibleTo, visibleTo } from '../sensitive/visible-instance.ts';
import type { RegistryAccess } from './authorization.ts';
import { GuardedWatch } from './guarded-watch.ts';

export interface GuardedDiscoveryOptions {
  readonly discovery: Discovery;
  readonly access: RegistryAccess;
  /** Who may do what changed at which revisions of the registry, and whoever has to hear of it. */
  readonly policyChanges: PolicyChanges;
}

/** When rules changed, for those who watch. */
export interface PolicyChanges {
  /** Revision of the registry at the last change; whoever resumes from before begins again. */
  readonly lastAt: number;
  onChange(listener: () => void): () => void;
}

/** Who looks. */
export interface DiscoveryCaller {
  readonly identity: RegistryIdentity;
  /** "" where it is not known. */
  readonly sourceIp: string;
}

/** No service has this name: it is no DNS label. */
const NEVER = '-';

/**
 * What one caller may find. What he may not know of answers as what was never there, in the same time: one decision and one
 * look-up. Lists leave it out; `isComplete` says, by the rules alone, whether they could have.
 */
export class GuardedDiscovery implements Discovery {
  readonly #options: GuardedDiscoveryOptions;
  readonly #caller: DiscoveryCaller;

  constructor(options: GuardedDiscoveryOptions, caller: DiscoveryCaller) {
    this.#options = options;
    this.#caller = caller;
  }

  get revision(): number {
    return this.#options.discovery.revision;
  }

  find(query: DiscoveryQuery): Discovered {
    const { service, namespace } = query;
    const allowed = this.#ask({ service, namespace });
    const found = this.#options.discovery.find(allowed ? query : { ...query, service: NEVER });
    const instances = allVisibleTo(this.#caller.identity, found.instances, this.#options.access.policy);
    return instances === found.instances ? found : { ...found, instances };
  }

  instance(instanceId: string): DiscoveredInstance | undefined {
    const found = this.#options.discovery.instance(instanceId);
    if (found === undefined || !this.#mayKnow(found)) return undefined;
    return visibleTo(this.#caller.identity, found, this.#options.access.policy);
  }

  /** Of everything there is: that some id has a mark says nothing of any one. */
  hasIdsWith(mark: IdMark): boolean {
    return this.#options.discovery.hasIdsWith(mark);
  }

  services(namespace?: string): readonly ServiceSummary[] {
    this.#options.access.recordList(this.#caller, namespace);
    return this.#options.discovery
      .services(namespace)
      .filter(({ name, namespace: of }) => this.#mayKnow({ service: name, namespace: of }));
  }

  /** Whether rules let this caller know of everything there is, or could be, in a namespace (in all of them, when none is named). */
  isComplete(namespace?: string): boolean {
    return this.#options.access.policy.readsAll(this.#caller.identity, namespace);
  }

  watch(scope: WatchScope, wake: () => void, from?: number): WatchOpened {
    const { discovery, policyChanges } = this.#options;
    const opened = discovery.watch(this.#scopeOf(scope), wake, from);
    if (!opened.ok) return opened;
    if (from !== undefined && from < policyChanges.lastAt) {
      opened.value.close();
      return fail({ kind: 'compacted', oldest: policyChanges.lastAt, by: 'rules' });
    }
    const { policy } = this.#options.access;
    return ok(
      new GuardedWatch(opened.value, {
        mayKnow: (service) => this.#mayKnow(service),
        visible: (instance) => visibleTo(this.#caller.identity, instance, policy),
        isPolicyOf: () => this.#options.access.policy === policy,
        revision: () => discovery.revision,
        forget: policyChanges.onChange(wake),
      }),
    );
  }

  onChange(service: ServiceKey, listener: () => void): () => void {
    return this.#options.discovery.onChange(
      this.#mayKnow(service) ? service : { ...service, service: NEVER },
      listener,
    );
  }

  #scopeOf(scope: WatchScope): WatchScope {
    if (scope === 'all' || scope.service === undefined) {
      this.#options.access.recordList(this.#caller, scope === 'all' ? undefined : scope.namespace);
      return scope;
    }
    return this.#ask({ service: scope.service, namespace: scope.namespace }) ? scope : { ...scope, service: NEVER };
  }

  #ask({ service, namespace }: ServiceKey): boolean {
    const { identity, sourceIp } = this.#caller;
    return this.#options.access.authorizeRequest(identity, 'read', { service, namespace, sourceIp }).allowed;
  }

  #mayKnow({ service, namespace }: ServiceKey): boolean {
    return this.#options.access.wouldAllow(this.#caller.identity, 'read', { service, namespace });
  }
}
