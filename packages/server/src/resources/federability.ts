import {
  type FederatedTrustDomain,
  type MeshConfig,
  qualifiedName,
  type Resource,
  resourceKey,
  TrustDomain,
} from '@rampart/core';
import type { Objection } from '@rampart/core/documents';
import { parseBundleJson } from '@rampart/spiffe';

/** What is known of this mesh and its relationships. */
export interface FederationFacts {
  readonly trustDomain: string;
  resources(): readonly { readonly resource: Resource }[];
}

/** Policies say by it whatever trust domain the mesh has, as Istio's do. */
const OWN_NAME = 'cluster.local';

interface Problem {
  readonly field: string;
  readonly why: string;
}

/**
 * Judges the resources of one document, one after the other: why a trust domain cannot be federated with by a resource, by field;
 * empty for what says nothing of other trust domains. Each is held against those before it in the document, and against what is
 * in force.
 */
export function federationReview({ trustDomain, resources }: FederationFacts): (resource: Resource) => Objection[] {
  const before = new Map<string, Resource>();
  return (resource) => {
    const { kind } = resource;
    if (kind !== 'FederatedTrustDomain' && kind !== 'MeshConfig') return [];
    const key = resourceKey(resource);
    const present = new Map(resources().map((held) => [resourceKey(held.resource), held.resource]));
    const others = [...new Map([...present, ...before])].flatMap(([other, held]) => (other === key ? [] : [held]));
    before.set(key, resource);
    const problem =
      kind === 'MeshConfig' ? aliasProblem(resource, others) : partnerProblem(resource, { trustDomain, others });
    if (problem === undefined) return [];
    const message = `${kind} ${qualifiedName(resource)}: ${problem.why}`;
    return [{ code: 'INVALID_RESOURCE', message, field: `spec.${problem.field}` }];
  };
}

function partnerProblem(
  { spec }: FederatedTrustDomain,
  { trustDomain, others }: { readonly trustDomain: string; readonly others: readonly Resource[] },
): Problem | undefined {
  const { trustDomain: partner, trustDomainBundle } = spec;
  const twin = others.find((other) => partnersOf(other).includes(partner));
  const why = nameProblem(partner, { trustDomain, aliases: others.flatMap(aliasesOf), twin });
  if (why !== undefined) return { field: 'trustDomain', why };
  if (trustDomainBundle === undefined) return undefined;
  const bundle = parseBundleJson(TrustDomain.of(partner), trustDomainBundle);
  return bundle.ok ? undefined : { field: 'trustDomainBundle', why: bundle.problem };
}

/** A name must lead to one trust domain: nobody could tell which of two bundles counts, or who is meant by a policy. */
function nameProblem(
  partner: string,
  own: { readonly trustDomain: string; readonly aliases: readonly string[]; readonly twin: Resource | undefined },
): string | undefined {
  const { trustDomain, aliases, twin } = own;
  if (partner === trustDomain) return `${partner} is this trust domain itself`;
  if (aliases.includes(partner)) {
    return `${partner} is another name of this trust domain (trustDomainAliases): policies would take one for the other`;
  }
  if (partner === OWN_NAME) {
    return `policies take ${OWN_NAME} for ${trustDomain} itself, as Istio's do, and could never mean the partner: it needs a trust domain of its own, such as "rampart up --trust-domain" gives a new mesh`;
  }
  if (twin === undefined) return undefined;
  return `${partner} is federated with by ${twin.metadata.name} already; change that one, or delete it first`;
}

function aliasProblem(config: MeshConfig, others: readonly Resource[]): Problem | undefined {
  const partners = new Set(others.flatMap(partnersOf));
  const index = aliasesOf(config).findIndex((alias) => partners.has(alias));
  if (index === -1) return undefined;
  const alias = aliasesOf(config)[index];
  const why = `${alias} is federated with: its workloads would have whatever policies give to those of this trust domain`;
  return { field: `trustDomainAliases[${index}]`, why };
}

function partnersOf(resource: Resource): readonly string[] {
  return resource.kind === 'FederatedTrustDomain' ? [resource.spec.trustDomain] : [];
}

function aliasesOf(resource: Resource): readonly string[] {
  return resource.kind === 'MeshConfig' ? (resource.spec.trustDomainAliases ?? []) : [];
}
