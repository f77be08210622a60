import { qualifiedName, type Resource, TrustDomain } from '@rampart/core';
import type { Objection } from '@rampart/core/documents';
import { parseBundleJson } from '@rampart/spiffe';

/** What is known of this mesh and its relationships. */
export interface FederationFacts {
  readonly trustDomain: string;
  resources(): readonly { readonly resource: Resource }[];
}

/** Why a trust domain cannot be federated with by a resource, by field; empty for every other kind of resource. */
export function unfederable(resource: Resource, { trustDomain, resources }: FederationFacts): Objection[] {
  if (resource.kind !== 'FederatedTrustDomain') return [];
  const { spec, metadata } = resource;
  const object = (field: string, why: string): Objection[] => [
    {
      code: 'INVALID_RESOURCE',
      message: `FederatedTrustDomain ${qualifiedName(resource)}: ${why}`,
      field: `spec.${field}`,
    },
  ];
  if (spec.trustDomain === trustDomain) return object('trustDomain', `${trustDomain} is this trust domain itself`);
  const twin = resources().find(
    ({ resource: other }) =>
      other.kind === 'FederatedTrustDomain' &&
      other.metadata.name !== metadata.name &&
      other.spec.trustDomain === spec.trustDomain,
  );
  if (twin !== undefined) {
    return object('trustDomain', `${spec.trustDomain} is federated with by ${twin.resource.metadata.name} already`);
  }
  if (spec.trustDomainBundle === undefined) return [];
  const bundle = parseBundleJson(TrustDomain.of(spec.trustDomain), spec.trustDomainBundle);
  return bundle.ok ? [] : object('trustDomainBundle', bundle.problem);
}
