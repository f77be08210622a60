import { type FederatedTrustDomain, qualifiedName, type Resource, resourceKey, TrustDomain } from '@rampart/core';
import type { Objection } from '@rampart/core/documents';
import { parseBundleJson } from '@rampart/spiffe';

/** What is known of this mesh and its relationships. */
export interface FederationFacts {
  readonly trustDomain: string;
  resources(): readonly { readonly resource: Resource }[];
}

/**
 * Judges the resources of one document, one after the other: why a trust domain cannot be federated with by a resource, by field;
 * empty for every other kind of resource. Each is held against those before it in the document, and against what is in force.
 */
export function federationReview({ trustDomain, resources }: FederationFacts): (resource: Resource) => Objection[] {
  const before = new Map<string, Resource>();
  return (resource) => {
    if (resource.kind !== 'FederatedTrustDomain') return [];
    const present = new Map(resources().map((held) => [resourceKey(held.resource), held.resource]));
    const twin = twinOf(resource, new Map([...present, ...before]));
    before.set(resourceKey(resource), resource);
    const problem = problemOf(resource, { trustDomain, twin });
    if (problem === undefined) return [];
    const message = `FederatedTrustDomain ${qualifiedName(resource)}: ${problem.why}`;
    return [{ code: 'INVALID_RESOURCE', message, field: `spec.${problem.field}` }];
  };
}

/** Another resource about the same trust domain: nobody could tell which of the two bundles counts. */
function twinOf({ metadata, spec }: FederatedTrustDomain, others: ReadonlyMap<string, Resource>): Resource | undefined {
  return [...others.values()].find(
    (other) =>
      other.kind === 'FederatedTrustDomain' &&
      other.metadata.name !== metadata.name &&
      other.spec.trustDomain === spec.trustDomain,
  );
}

function problemOf(
  { spec }: FederatedTrustDomain,
  { trustDomain, twin }: { readonly trustDomain: string; readonly twin: Resource | undefined },
): { readonly field: string; readonly why: string } | undefined {
  if (spec.trustDomain === trustDomain)
    return { field: 'trustDomain', why: `${trustDomain} is this trust domain itself` };
  if (twin !== undefined) {
    const why = `${spec.trustDomain} is federated with by ${twin.metadata.name} already; change that one, or delete it first`;
    return { field: 'trustDomain', why };
  }
  if (spec.trustDomainBundle === undefined) return undefined;
  const bundle = parseBundleJson(TrustDomain.of(spec.trustDomain), spec.trustDomainBundle);
  return bundle.ok ? undefined : { field: 'trustDomainBundle', why: bundle.problem };
}
