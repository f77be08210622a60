import type { AuthorizationPolicy } from '../index.ts';
import type { Call } from './calls.ts';
import { matchingRule, type NaiveInput } from './naive-matching.ts';

/** What is asked of the mesh besides its policies. */
export interface NaiveQuestion extends NaiveInput {
  /** What each external authorizer of the mesh speaks. */
  readonly providers: ReadonlyMap<string, 'http' | 'grpc'>;
}

/** Whose policies are asked for. */
export interface NaiveWorkload {
  readonly namespace: string;
  readonly rootNamespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NaiveVerdict {
  readonly decision: 'ALLOW' | 'DENY';
  /** "policy rule" of what decided; "" where nothing matched. */
  readonly by: string;
  /** "ask policy rule" or "deny policy rule"; "" when CUSTOM has nothing to say. */
  readonly demand: string;
  readonly audit: readonly string[];
  readonly dryRun: readonly string[];
  readonly dryRunDecision: 'ALLOW' | 'DENY' | '';
}

/**
 * A second reading of Istio's rules, written for plainness only: regular expressions as Istio builds them, nothing
 * compiled, nothing narrowed, nothing indexed, and none of the engine's code. What the real evaluator says must be what
 * this one says.
 */
export function naiveVerdict(given: readonly AuthorizationPolicy[], question: NaiveQuestion): NaiveVerdict {
  const policies = given.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const enforced = decide(
    policies.filter((policy) => !isDryRun(policy)),
    question,
  );
  const isTried = policies.some((policy) => isDryRun(policy));
  return {
    ...enforced,
    demand: demand(policies, question),
    audit: policies.filter((policy) => is(policy, 'AUDIT') && matches(policy, question)).map(qualifiedName),
    dryRun: dryRuns(policies, question, enforced),
    dryRunDecision: isTried ? decide(policies, question).decision : '',
  };
}

/** The policies of a workload: those of its namespace and of the root namespace that want no label it does not have. */
export function naiveSelection(
  policies: readonly AuthorizationPolicy[],
  workload: NaiveWorkload,
): AuthorizationPolicy[] {
  return policies.filter(({ metadata, spec }) => {
    const wanted = Object.entries(spec.selector?.matchLabels ?? {});
    return (
      [workload.namespace, workload.rootNamespace].includes(metadata.namespace) &&
      wanted.every(([key, value]) => Object.entries(workload.labels).some(([k, v]) => k === key && v === value))
    );
  });
}

/** The decision on an HTTP request in a mesh of one name and without external authorizers. */
export function naiveDecision(policies: readonly AuthorizationPolicy[], call: Call): 'ALLOW' | 'DENY' {
  return decide(policies, { call, carries: 'http', trustDomains: ['cluster.local'], providers: new Map() }).decision;
}

function decide(
  policies: readonly AuthorizationPolicy[],
  question: NaiveQuestion,
): Pick<NaiveVerdict, 'decision' | 'by'> {
  const denies = policies.filter((policy) => is(policy, 'DENY'));
  const allows = policies.filter((policy) => is(policy, 'ALLOW'));
  const denied = firstMatch(denies, question);
  if (denied !== '') return { decision: 'DENY', by: denied };
  const allowed = firstMatch(allows, question);
  return { decision: allows.length === 0 || allowed !== '' ? 'ALLOW' : 'DENY', by: allowed };
}

function demand(policies: readonly AuthorizationPolicy[], question: NaiveQuestion): string {
  const custom = policies.filter((policy) => is(policy, 'CUSTOM'));
  const names = [...new Set(custom.map((policy) => policy.spec.provider?.name ?? ''))];
  const [only = ''] = names;
  const isKnown = names.length === 1 && question.providers.has(only);
  if (isKnown && question.carries === 'tcp' && question.providers.get(only) === 'http') return '';
  const matched = firstMatch(custom, question);
  if (matched === '') return '';
  return `${isKnown ? 'ask' : 'deny'} ${matched}`;
}

/** What each policy that is only tried out would add: to deny, to allow, or to allow nothing. */
function dryRuns(
  policies: readonly AuthorizationPolicy[],
  question: NaiveQuestion,
  { decision, by }: Pick<NaiveVerdict, 'decision' | 'by'>,
): string[] {
  const tried = (action: 'ALLOW' | 'DENY'): AuthorizationPolicy[] =>
    policies.filter((policy) => isDryRun(policy) && is(policy, action));
  const denying = tried('DENY').filter((policy) => matches(policy, question));
  const allowing = tried('ALLOW').filter((policy) => matches(policy, question));
  const isAllowed = allowing.length > 0 || (decision === 'ALLOW' && by !== '');
  return [
    ...denying.map((policy) => `DENY ${qualifiedName(policy)}`),
    ...allowing.map((policy) => `ALLOW ${qualifiedName(policy)}`),
    ...(isAllowed ? [] : tried('ALLOW').map((policy) => `DENY ${qualifiedName(policy)}`)),
  ];
}

function firstMatch(policies: readonly AuthorizationPolicy[], question: NaiveQuestion): string {
  const policy = policies.find((candidate) => matches(candidate, question));
  return policy === undefined ? '' : `${qualifiedName(policy)} ${matchingRule(policy, question)}`;
}

function matches(policy: AuthorizationPolicy, question: NaiveQuestion): boolean {
  return matchingRule(policy, question) !== -1;
}

function is(policy: AuthorizationPolicy, action: AuthorizationPolicy['spec']['action']): boolean {
  return policy.spec.action === action;
}

function isDryRun({ metadata }: AuthorizationPolicy): boolean {
  return metadata.annotations['istio.io/dry-run'] === 'true';
}

function qualifiedName({ metadata }: AuthorizationPolicy): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Policies of one age come in the order of their names, then of their namespaces. */
function nameOf({ metadata }: AuthorizationPolicy): string {
  return `${metadata.name} ${metadata.namespace}`;
}
