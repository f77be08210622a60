import { concernsCallers, servicesOf, type SpiffeId, type TrafficResource } from '@rampart/core';
import type { ServiceVisibility } from '../mesh-snapshots.ts';
import type { SharedRules } from './shared-rules.ts';

/** A data plane, as far as it matters to what rules about calls it is told. */
export interface Listener {
  readonly id: SpiffeId;
  readonly namespace: string;
}

export interface TrafficAudienceOptions {
  readonly rootNamespace: string;
  readonly visibility: ServiceVisibility;
  readonly shared: SharedRules;
}

/** Who is told of which rules about calls: those who are held to them, and may know of the services. */
export class TrafficAudience {
  readonly #options: TrafficAudienceOptions;

  constructor(options: TrafficAudienceOptions) {
    this.#options = options;
  }

  includes({ id, namespace }: Listener, key: string, resource: TrafficResource): boolean {
    const { rootNamespace, visibility, shared } = this.#options;
    if (!concernsCallers(resource, { namespace, rootNamespace })) return false;
    const own = resource.metadata.namespace;
    if (own === namespace || own === rootNamespace) return true;
    const isKnowable =
      !visibility.isLimited() || servicesOf(resource).some((service) => visibility.mayKnow(id, service));
    if (isKnowable) shared.add(key);
    return isKnowable;
  }

  /** Whether somebody may know a rule that is gone, or not for them any more. */
  mayKnow({ namespace }: Listener, key: string, own: string): boolean {
    return own === namespace || own === this.#options.rootNamespace || this.#options.shared.has(key);
  }
}
