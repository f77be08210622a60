import { hash } from 'node:crypto';
import { type BundleEndpointProfile, SpiffeId, TrustDomain } from '@rampart/core';

/** A trust domain that is to be known here, and how its bundle is got. */
export interface Relationship {
  readonly trustDomain: TrustDomain;
  readonly url: string;
  readonly profile: BundleEndpointProfile;
  /** SPIFFE bundle document for the first contact. */
  readonly bootstrap?: string;
}

/** The words of the resource kind FederatedTrustDomain. */
export interface RelationshipSpec {
  readonly trustDomain: string;
  readonly bundleEndpointUrl: string;
  readonly bundleEndpointProfile: BundleEndpointProfile;
  readonly trustDomainBundle?: string;
}

export function relationshipOf(spec: RelationshipSpec): Relationship {
  const { bundleEndpointUrl: url, bundleEndpointProfile: profile, trustDomainBundle: bootstrap } = spec;
  const trustDomain = TrustDomain.of(spec.trustDomain);
  return { trustDomain, url, profile, ...(bootstrap === undefined ? {} : { bootstrap }) };
}

/** The trust domain whose bundle the endpoint's certificate is judged with; undefined when the public web's roots do. */
export function endpointDomain({ profile }: Relationship): TrustDomain | undefined {
  return profile.type === 'https_web' ? undefined : SpiffeId.of(profile.endpointSpiffeId).trustDomain;
}

/** "" for none. An operator who gives another first bundle begins anew with it. */
export function bootstrapHash({ bootstrap }: Relationship): string {
  return bootstrap === undefined ? '' : hash('sha256', bootstrap, 'hex');
}

export function isSameRelationship(a: Relationship, b: Relationship): boolean {
  return (
    a.trustDomain.equals(b.trustDomain) &&
    a.url === b.url &&
    a.bootstrap === b.bootstrap &&
    JSON.stringify(a.profile) === JSON.stringify(b.profile)
  );
}
