import { Federation, relationshipOf, type Relationship } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { TrustBundle } from '@rampart/spiffe';
import type { Change } from '../changes/change.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { ResourceSet } from '../resources/resource-set.ts';
import type { Database } from '../storage/database.ts';
import { createFederationStore } from '../storage/stores/federation-store.ts';

export interface FederatedDomainsOptions {
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly database: Database;
  readonly journal: Journal;
  readonly clock: Clock;
  /** PEM roots that count for https_web beside those of this machine. */
  readonly webRoots?: string;
  ownBundle(): TrustBundle;
  failed(error: unknown): void;
}

/** The federation that the resources of kind FederatedTrustDomain ask for, and how to end it. */
export interface FederatedDomains {
  readonly federation: Federation;
  close(): void;
}

/** Resolves once every relationship is there with its last good bundle; nothing is asked of anybody before. */
export async function openFederatedDomains(options: FederatedDomainsOptions): Promise<FederatedDomains> {
  const { feed, resources } = options;
  const federation = new Federation({ ...options, store: createFederationStore(options.database) });
  let seen = feed.revision;
  await federation.relate(relationshipsOf(resources));
  const forget = feed.watch(() => {
    const changes = feed.resourcesSince(seen);
    seen = feed.revision;
    if (changes !== 'compacted' && !changes.some(isFederation)) return;
    void federation.relate(relationshipsOf(resources)).catch(options.failed);
  });
  // Only now: what was there at the start is in the first snapshot of every data plane.
  const silence = federation.onChanged(() => feed.publish([{ kind: 'federation' }]));
  return {
    federation,
    close: () => {
      forget();
      silence();
      federation.close();
    },
  };
}

/** In the order of their names, so that of two for one trust domain it is always the same that counts. */
function relationshipsOf(resources: ResourceSet): Relationship[] {
  return resources
    .all()
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .flatMap(({ resource }) => (resource.kind === 'FederatedTrustDomain' ? [relationshipOf(resource.spec)] : []));
}

function isFederation(change: Change): boolean {
  return change.kind === 'resource' && change.key.startsWith('FederatedTrustDomain/');
}
