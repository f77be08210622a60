import type { AuditEvent } from '@rampart/journal';
import { bundleToJson, type TrustBundle } from '@rampart/spiffe';
import type { Relationship } from './relationship.ts';

/** What became of a relationship to another trust domain. */
export type FederationEvent =
  | 'FEDERATION_BEGUN'
  | 'FEDERATION_ENDED'
  | 'FEDERATION_BUNDLE_CHANGED'
  | 'FEDERATION_BUNDLE_UNAVAILABLE';

export function federationEvent(
  eventType: FederationEvent,
  { trustDomain, url, profile }: Relationship,
  more: {
    readonly bundle?: TrustBundle | undefined;
    readonly previous?: TrustBundle | undefined;
    readonly problem?: string;
  },
): AuditEvent {
  const { bundle, previous, problem } = more;
  return {
    eventType,
    identity: 'authority',
    result: problem === undefined ? 'SUCCESS' : 'FAILURE',
    details: {
      trust_domain: trustDomain.name,
      bundle_endpoint_url: url,
      profile: profile.type,
      ...(bundle === undefined ? {} : contents(bundle)),
      ...(previous === undefined ? {} : { previous_sequence: previous.sequence }),
      ...(problem === undefined ? {} : { reason: problem }),
    },
  };
}

/** Whether two bundles say the same. In which order says nothing: SPIRE's endpoint gives its keys in another one at each poll. */
export function isSameBundle(a: TrustBundle | undefined, b: TrustBundle): boolean {
  return a !== undefined && bundleToJson(inOrder(a)) === bundleToJson(inOrder(b));
}

function inOrder(bundle: TrustBundle): TrustBundle {
  return {
    ...bundle,
    roots: bundle.roots.toSorted(Buffer.compare),
    jwtAuthorities: bundle.jwtAuthorities.toSorted((a, b) => (a.keyId < b.keyId ? -1 : 1)),
  };
}

function contents({ sequence, roots, jwtAuthorities }: TrustBundle): {
  sequence: number;
  roots: number;
  jwt_keys: number;
} {
  return { sequence, roots: roots.length, jwt_keys: jwtAuthorities.length };
}
