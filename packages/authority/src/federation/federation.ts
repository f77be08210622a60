import type { Clock, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { TrustBundle } from '@rampart/spiffe';
import { federationEvent } from './events.ts';
import { Neighbour, type NeighbourStatus } from './neighbour.ts';
import { isSameRelationship, type Relationship } from './relationship.ts';
import type { FederationStore } from './store.ts';

export interface FederationOptions {
  readonly store: FederationStore;
  readonly journal: Journal;
  readonly clock: Clock;
  /** PEM roots that count for https_web beside those of this machine. */
  readonly webRoots?: string;
  /** The bundle of this trust domain itself. */
  ownBundle(): TrustBundle;
  /** Told what went wrong here, not at an endpoint. */
  failed(error: unknown): void;
}

/**
 * The other trust domains whose identities are known here (SPIFFE_Federation.md). Relationships are one-way; each bundle stands for
 * its own trust domain only and is never put together with another; the last good one stays while there is no newer.
 */
export class Federation {
  readonly #options: FederationOptions;
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #listeners = new Set<() => void>();
  /** Changes of relationships, one after the other. */
  #change: Promise<void> = Promise.resolve();

  constructor(options: FederationOptions) {
    this.#options = options;
  }

  /**
   * Makes these the relationships: new ones begin, changed ones begin anew with their last good bundle, the others end at once.
   * Of several about one trust domain the first counts; one about this trust domain itself does not.
   */
  relate(relationships: readonly Relationship[]): Promise<void> {
    this.#change = this.#change.catch(() => undefined).then(() => this.#relate(relationships));
    return this.#change;
  }

  /** The bundle of a federated trust domain; undefined when there is no relationship, or no bundle yet. */
  bundle(trustDomain: TrustDomain): TrustBundle | undefined {
    return this.#neighbours.get(trustDomain.name)?.bundle;
  }

  /** Those that are there, by the names of their trust domains. */
  bundles(): readonly TrustBundle[] {
    return this.status().flatMap(({ bundle }) => bundle ?? []);
  }

  status(): readonly NeighbourStatus[] {
    const byName = [...this.#neighbours].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return byName.map(([, neighbour]) => neighbour.status);
  }

  /** Calls back after every change of `bundles()`; returns how to end it. */
  onChanged(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  close(): void {
    for (const neighbour of this.#neighbours.values()) neighbour.end();
  }

  async #relate(relationships: readonly Relationship[]): Promise<void> {
    const { store, ownBundle } = this.#options;
    const wanted = new Map<string, Relationship>();
    for (const relationship of relationships) {
      const { trustDomain } = relationship;
      if (!trustDomain.equals(ownBundle().trustDomain) && !wanted.has(trustDomain.name))
        wanted.set(trustDomain.name, relationship);
    }
    const stored = new Map((await store.federatedBundles()).map((record) => [record.trustDomain, record]));
    for (const name of new Set([...this.#neighbours.keys(), ...stored.keys()])) {
      if (!wanted.has(name)) await this.#end(name);
    }
    for (const [name, relationship] of wanted) {
      const present = this.#neighbours.get(name);
      if (present !== undefined && isSameRelationship(present.relationship, relationship)) continue;
      present?.end();
      if (present === undefined && !stored.has(name)) await this.#audit('FEDERATION_BEGUN', relationship);
      const neighbour = new Neighbour(relationship, this.#parts());
      this.#neighbours.set(name, neighbour);
      await neighbour.start(stored.get(name));
    }
  }

  /** Nobody of the domain is known from here on; then it is forgotten. */
  async #end(name: string): Promise<void> {
    const neighbour = this.#neighbours.get(name);
    neighbour?.end();
    this.#neighbours.delete(name);
    this.#changed();
    await this.#options.store.removeFederatedBundle(name);
    if (neighbour !== undefined) await this.#audit('FEDERATION_ENDED', neighbour.relationship);
  }

  #parts(): ConstructorParameters<typeof Neighbour>[1] {
    return {
      ...this.#options,
      rootsOf: (trustDomain) => {
        const own = this.#options.ownBundle();
        return own.trustDomain.equals(trustDomain) ? own.roots : (this.bundle(trustDomain)?.roots ?? []);
      },
      changed: () => this.#changed(),
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  async #audit(type: 'FEDERATION_BEGUN' | 'FEDERATION_ENDED', relationship: Relationship): Promise<void> {
    await this.#options.journal.audit(federationEvent(type, relationship, {}));
  }
}
