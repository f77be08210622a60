import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import { isDryRun } from '../../resource/dry-run.ts';
import { type AuthorizationPolicy, qualifiedName, type Resource } from '../../resource/resource.ts';
import {
  fieldsOf,
  type Knowledge,
  type Unknown,
  unknownOfCondition,
  unknownOfSource,
  unknownsOfRule,
} from './unknowns.ts';

/**
 * A set of resources that asks nothing a record does not hold, twice: once with everything unknown answered in favour of
 * the request, once against it. What both decide alike is decided, whatever the answers would have been.
 */
export interface Bounds {
  readonly permissive: readonly Resource[];
  readonly restrictive: readonly Resource[];
  /** What is unknown, and which resource asks; empty when both sets are the same. */
  readonly unknowns: readonly PolicyUnknown[];
}

export interface PolicyUnknown extends Unknown {
  /** "AuthorizationPolicy shop/tenants". */
  readonly resource: string;
}

export interface BoundsOptions {
  readonly knowledge: Knowledge;
  /** Whether what a resource asks of others than policies (tokens, authorizers, networks) was answered "yes" on record. */
  isAnswered(resource: Resource): boolean;
}

/** A rule that no request can match: methods are tokens. Rules that cannot match keep their place, so that others keep theirs. */
const NEVER: AuthorizationRule = { to: [{ operation: { methods: ['\u0000'] } }] };

/** Kinds that are settled by what records hold; those of the network are judged apart. */
const SETTLED: ReadonlySet<string> = new Set([
  'PeerAuthentication',
  'MeshConfig',
  'Namespace',
  'NetworkPolicy',
  'RateLimit',
  'Quarantine',
  'RegistrationEntry',
  'Attestor',
  'FederatedTrustDomain',
  'RegistryAcl',
  'RegistrySettings',
]);

const ASKED_OF: Readonly<Record<string, string>> = {
  RequestAuthentication: 'whether tokens are valid',
  ServiceTokenPolicy: 'the token of the calling service',
  RequestSignaturePolicy: 'whether the caller has signed the request',
};

export function boundsOf(resources: readonly Resource[], options: BoundsOptions): Bounds {
  const permissive: Resource[] = [];
  const restrictive: Resource[] = [];
  const unknowns: PolicyUnknown[] = [];
  for (const resource of resources) {
    if (SETTLED.has(resource.kind)) {
      permissive.push(resource);
      restrictive.push(resource);
    } else if (resource.kind === 'AuthorizationPolicy') {
      if (resource.spec.action === 'AUDIT' || isDryRun(resource)) continue;
      const bounds = boundsOfPolicy(resource, options);
      permissive.push(...bounds.permissive);
      restrictive.push(...bounds.restrictive);
      unknowns.push(...bounds.unknowns);
    } else if (!options.isAnswered(resource)) {
      restrictive.push(denyAllBy(resource));
      const what = ASKED_OF[resource.kind] ?? 'what it asks for';
      unknowns.push({ resource: nameOf(resource), what, where: '' });
    }
  }
  return { permissive, restrictive, unknowns };
}

function boundsOfPolicy(policy: AuthorizationPolicy, { knowledge, isAnswered }: BoundsOptions): Bounds {
  const { action, rules = [] } = policy.spec;
  const resource = nameOf(policy);
  if (action === 'CUSTOM') {
    if (isAnswered(policy)) return { permissive: [], restrictive: [], unknowns: [] };
    const { provider: _, ...spec } = policy.spec;
    const denying = { ...policy, spec: { ...spec, action: 'DENY' as const, rules: assume(rules, true, knowledge) } };
    const name = policy.spec.provider?.name ?? '';
    return {
      permissive: [],
      restrictive: [denying],
      unknowns: [{ resource, what: `the answer of authorizer ${name}`, where: '' }],
    };
  }
  const unknowns = rules.flatMap((rule, index) => unknownsOfRule(rule, index, knowledge));
  if (unknowns.length === 0) return { permissive: [policy], restrictive: [policy], unknowns: [] };
  const matching = { ...policy, spec: { ...policy.spec, rules: assume(rules, true, knowledge) } };
  const failing = { ...policy, spec: { ...policy.spec, rules: assume(rules, false, knowledge) } };
  const isDeny = action === 'DENY';
  return {
    permissive: [isDeny ? failing : matching],
    restrictive: [isDeny ? matching : failing],
    unknowns: unknowns.map((unknown) => ({ ...unknown, resource })),
  };
}

/** The rules with everything unknown taken to hold, or taken not to. */
function assume(rules: readonly AuthorizationRule[], holds: boolean, knowledge: Knowledge): AuthorizationRule[] {
  return rules.map((rule) => assumeOne(rule, holds, knowledge) ?? NEVER);
}

function assumeOne(rule: AuthorizationRule, holds: boolean, knowledge: Knowledge): AuthorizationRule | undefined {
  const when = (rule.when ?? []).filter((condition) => unknownOfCondition(condition, knowledge) === undefined);
  if (!holds && when.length < (rule.when ?? []).length) return undefined;
  const sources = (rule.from ?? []).map(({ source }) => ({ source, known: knownPart(source, knowledge) }));
  const left = holds
    ? sources
    : sources.filter(({ source, known }) => fieldsOf(known).length === fieldsOf(source).length);
  if (rule.from !== undefined && left.length === 0) return undefined;
  // A source of which nothing is left to ask matches every caller.
  const isAnyone = left.some(({ known }) => fieldsOf(known).length === 0);
  return {
    ...(rule.from === undefined || isAnyone ? {} : { from: left.map(({ known }) => ({ source: known })) }),
    ...(rule.to === undefined ? {} : { to: rule.to }),
    ...(when.length === 0 ? {} : { when }),
  };
}

function knownPart(source: AuthorizationSource, knowledge: Knowledge): AuthorizationSource {
  const kept = fieldsOf(source).filter((field) => unknownOfSource(source, field, knowledge) === undefined);
  return Object.fromEntries(kept.map((field) => [field, source[field]]));
}

/** What a resource of another kind comes to when it lets nothing in. */
function denyAllBy(resource: Resource): AuthorizationPolicy {
  const selector = 'selector' in resource.spec ? resource.spec.selector : undefined;
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: resource.metadata,
    spec: { ...(selector === undefined ? {} : { selector }), action: 'DENY', rules: [{}] },
  };
}

function nameOf(resource: Resource): string {
  return `${resource.kind} ${qualifiedName(resource)}`;
}
