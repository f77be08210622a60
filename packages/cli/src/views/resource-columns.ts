import {
  type AclRule,
  type AuthorizationPolicy,
  isDryRun,
  type NetworkPolicy,
  type Resource,
  type RateLimitRule,
  type ResourceKind,
  scopeOfKind,
} from '@rampart/core';

/** What a table tells of each resource of a kind, between its name and its age. */
export interface KindColumns {
  /** Whether the kind lives in namespaces. */
  readonly namespaced: boolean;
  readonly headings: readonly string[];
  readonly cells: (resource: Resource) => readonly string[];
}

type OfKind<K extends ResourceKind> = Extract<Resource, { readonly kind: K }>;

const LISTED = 2;

export const KIND_COLUMNS: { readonly [K in ResourceKind]: KindColumns } = {
  PeerAuthentication: columns('PeerAuthentication', ['MODE', 'PORTS', 'SELECTOR'], ({ spec }) => [
    spec.mtls?.mode ?? 'UNSET',
    Object.entries(spec.portLevelMtls ?? {})
      .map(([port, { mode }]) => `${port}:${mode}`)
      .join(','),
    selectorOf(spec),
  ]),
  RequestAuthentication: columns('RequestAuthentication', ['ISSUERS', '>RULES', 'SELECTOR'], ({ spec }) => [
    several(spec.jwtRules.map(({ issuer }) => issuer || '(any)')),
    String(spec.jwtRules.length),
    selectorOf(spec),
  ]),
  AuthorizationPolicy: columns('AuthorizationPolicy', ['ACTION', '>RULES', 'SELECTOR'], (policy) => [
    actionOf(policy),
    String(policy.spec.rules?.length ?? 0),
    selectorOf(policy.spec),
  ]),
  ServiceTokenPolicy: columns('ServiceTokenPolicy', ['AUDIENCE', 'ISSUER', '>RULES', 'SELECTOR'], ({ spec }) => [
    spec.audience,
    spec.issuer,
    String(spec.rules.length),
    selectorOf(spec),
  ]),
  NetworkPolicy: columns('NetworkPolicy', ['INGRESS', 'EGRESS', 'SELECTOR'], (policy) => [
    directionOf(policy, 'Ingress'),
    directionOf(policy, 'Egress'),
    podSelectorOf(policy),
  ]),
  VirtualService: columns('VirtualService', ['HOSTS', '>ROUTES', 'EXPORTED TO'], ({ spec }) => [
    several(spec.hosts),
    String((spec.http?.length ?? 0) + (spec.tcp?.length ?? 0)),
    several(spec.exportTo ?? []),
  ]),
  DestinationRule: columns('DestinationRule', ['HOST', 'SUBSETS', 'EXPORTED TO'], ({ spec }) => [
    spec.host,
    several((spec.subsets ?? []).map(({ name }) => name)),
    several(spec.exportTo ?? []),
  ]),
  ServiceEntry: columns('ServiceEntry', ['HOSTS', 'PORTS', 'RESOLUTION', 'EXPORTED TO'], ({ spec }) => [
    several(spec.hosts),
    several(spec.ports.map(({ number, protocol }) => `${number}/${protocol}`)),
    spec.resolution,
    several(spec.exportTo ?? []),
  ]),
  RequestSignaturePolicy: columns('RequestSignaturePolicy', ['SIGNERS', 'HOSTS', 'SELECTOR'], ({ spec }) => [
    several(spec.signers),
    several(spec.hosts ?? []),
    selectorOf(spec),
  ]),
  RateLimit: columns('RateLimit', ['MODE', 'RULES', 'CONNECTIONS', 'SELECTOR'], ({ spec }) => [
    spec.mode ?? 'ENFORCE',
    several((spec.rules ?? []).map(limitOf)),
    several((spec.connections ?? []).map(({ per, max }) => `${max} by ${per}`)),
    selectorOf(spec),
  ]),
  Quarantine: columns('Quarantine', ['IDENTITIES', 'REASON'], ({ spec }) => [
    several(spec.identities),
    spec.reason ?? '',
  ]),
  Fallback: columns('Fallback', ['HOST', 'ANSWER', 'EXPORTED TO'], ({ spec }) => [
    spec.host,
    several([
      ...(spec.stale === undefined ? [] : ['stale']),
      ...(spec.response === undefined ? [] : [String(spec.response.status)]),
    ]),
    several(spec.exportTo ?? []),
  ]),
  Namespace: columns('Namespace', ['LABELS'], ({ metadata }) => [pairs(metadata.labels)]),
  MeshConfig: columns('MeshConfig', ['PATHS', '>PROXIES', 'ALIASES', 'AUTHORIZERS'], ({ spec }) => [
    spec.pathNormalization,
    String(spec.numTrustedProxies),
    several(spec.trustDomainAliases ?? []),
    several(spec.extensionProviders.map(({ name }) => name)),
  ]),
  RegistrationEntry: columns('RegistrationEntry', ['IDENTITY', 'SELECTORS', 'PARENT'], ({ spec }) => [
    spec.spiffeId,
    several(spec.selectors),
    spec.parentId ?? '',
  ]),
  Attestor: columns('Attestor', ['EVIDENCE', 'FROM', 'AGENTS'], ({ spec }) => [
    spec.x509pop === undefined ? (spec.jwt === undefined ? 'aws_iam' : `jwt (${spec.jwt.profile})`) : 'x509pop',
    spec.jwt?.issuer ?? several(spec.awsIam?.accounts ?? []),
    spec.agents === undefined ? 'no' : several(spec.agents.selectors) || 'all',
  ]),
  FederatedTrustDomain: columns('FederatedTrustDomain', ['TRUST DOMAIN', 'PROFILE', 'ENDPOINT'], ({ spec }) => [
    spec.trustDomain,
    spec.bundleEndpointProfile.type,
    spec.bundleEndpointUrl,
  ]),
  RegistryAcl: columns('RegistryAcl', ['RULES', 'ABOUT', 'IDENTITIES'], ({ spec: { rules } }) => [
    String(rules.length),
    several([...new Set(rules.map(aboutOf))]),
    several([...new Set(rules.map(({ identity = 'authenticated' }) => identity))]),
  ]),
  RegistrySettings: columns('RegistrySettings', ['DEFAULT', 'ANONYMOUS', 'APPROVAL'], ({ spec }) => [
    spec.defaultPolicy ?? '',
    spec.anonymous === true ? 'yes' : 'no',
    spec.approval ?? 'off',
  ]),
};

/** "payment", "payment*", "prod/payment", "prod/*". */
function aboutOf({ service, servicePrefix = '', namespace }: AclRule): string {
  const name = service ?? `${servicePrefix}*`;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function columns<K extends ResourceKind>(
  kind: K,
  headings: readonly string[],
  cells: (resource: OfKind<K>) => readonly string[],
): KindColumns {
  const isOfKind = (resource: Resource): resource is OfKind<K> => resource.kind === kind;
  return {
    namespaced: scopeOfKind(kind) !== 'cluster',
    headings,
    cells: (resource) => (isOfKind(resource) ? cells(resource) : []),
  };
}

/** "CUSTOM (opa)", "DENY (dry run)". */
function actionOf(policy: AuthorizationPolicy): string {
  const { action, provider } = policy.spec;
  if (isDryRun(policy)) return `${action} (dry run)`;
  return provider === undefined ? action : `${action} (${provider.name})`;
}

/** What a NetworkPolicy says of one direction: nothing, deny everything, or as many rules as it has. */
function directionOf({ spec }: NetworkPolicy, direction: 'Ingress' | 'Egress'): string {
  if (!spec.policyTypes.includes(direction)) return '';
  const count = (direction === 'Ingress' ? spec.ingress : spec.egress)?.length ?? 0;
  if (count === 0) return 'deny all';
  return `${count} rule${count === 1 ? '' : 's'}`;
}

function selectorOf({ selector, targetRefs }: SelectingSpec): string {
  if (targetRefs !== undefined) return several(targetRefs.map(({ kind, name }) => `${kind} ${name}`));
  return pairs(selector?.matchLabels ?? {}) || '(all)';
}

interface SelectingSpec {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly targetRefs?: readonly { readonly kind: string; readonly name: string }[];
}

function podSelectorOf({ spec: { podSelector } }: NetworkPolicy): string {
  const expressions = (podSelector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [pairs(podSelector.matchLabels ?? {}), ...expressions].filter((part) => part !== '').join(',') || '(all)';
}

function pairs(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** The first few of a list, and how many more there are. */
function several(items: readonly string[]): string {
  const more = items.length - LISTED;
  return `${items.slice(0, LISTED).join(', ')}${more > 0 ? ` +${more}` : ''}`;
}

/** "callers 100/MINUTE", "uploads 5 at a time". */
function limitOf({ name, requests, unit, concurrency }: RateLimitRule): string {
  const rate = requests === undefined ? [] : [`${requests}/${unit ?? ''}`];
  const atOnce = concurrency === undefined ? [] : [`${concurrency} at a time`];
  return `${name} ${[...rate, ...atOnce].join(' and ')}`;
}
