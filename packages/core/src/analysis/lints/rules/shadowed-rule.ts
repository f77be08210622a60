import { isDryRun } from '../../../resource/dry-run.ts';
import { qualifiedName } from '../../../resource/resource.ts';
import type { AnalyzedMesh, PlacedRule } from '../../lint/analyzed-mesh.ts';
import { ruleCovers } from '../../lint/coverage.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';

export const shadowedRule: Lint = {
  code: 'RAMP3003',
  name: 'shadowed-rule',
  severity: 'warning',
  title: 'a broader rule makes another one pointless',
  find: (mesh) => {
    const rules = mesh.rules
      .filter(({ policy }) => !isDryRun(policy) && isDecided(policy.spec.action))
      .map((placed, position) => ({ placed, position }));
    const byNamespace = Map.groupBy(rules, ({ placed }) => placed.policy.metadata.namespace);
    const ofRoot = byNamespace.get(mesh.facts.rootNamespace) ?? [];
    return rules.flatMap((narrow) => {
      const { namespace } = narrow.placed.policy.metadata;
      const isWide = (wide: Numbered): boolean => wide !== narrow && shadows(wide, narrow, mesh);
      const wide =
        (byNamespace.get(namespace) ?? []).find(isWide) ?? (mesh.isRoot(namespace) ? undefined : ofRoot.find(isWide));
      return wide === undefined ? [] : [sightingOf(narrow.placed, wide.placed)];
    });
  },
};

/** A rule and its position among all rules. */
interface Numbered {
  readonly placed: PlacedRule;
  readonly position: number;
}

function isDecided(action: string): boolean {
  return action === 'ALLOW' || action === 'DENY';
}

/** Of two rules that cover each other the later one is pointless; a DENY rule is never shadowed by an ALLOW rule. */
function shadows(
  { placed: wide, position: at }: Numbered,
  { placed: narrow, position }: Numbered,
  mesh: AnalyzedMesh,
): boolean {
  if (wide.policy.spec.action !== narrow.policy.spec.action && wide.policy.spec.action !== 'DENY') return false;
  if (!isWithin(narrow, wide, mesh) || isAliased(wide, mesh) || !ruleCovers(wide.rule, narrow.rule)) return false;
  const isMutual = isWithin(wide, narrow, mesh) && ruleCovers(narrow.rule, wide.rule);
  return !isMutual || wide.policy.spec.action !== narrow.policy.spec.action || at < position;
}

/** Whether every workload of the narrow rule's policy is one of the wide rule's. */
function isWithin(narrow: PlacedRule, wide: PlacedRule, mesh: AnalyzedMesh): boolean {
  const isOwn = narrow.policy.metadata.namespace === wide.policy.metadata.namespace;
  if (!isOwn && (!mesh.isRoot(wide.policy.metadata.namespace) || namesOwnAccounts(wide) || namesOwnAccounts(narrow))) {
    return false;
  }
  if (narrow.policy.spec.targetRefs !== undefined || wide.policy.spec.targetRefs !== undefined) {
    return narrow.policy === wide.policy;
  }
  const labels = narrow.policy.spec.selector?.matchLabels ?? {};
  return Object.entries(wide.policy.spec.selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

/** Exact principals stand for every name of the mesh, patterns do not: with several names, their texts do not tell which is wider. */
function isAliased({ rule }: PlacedRule, { facts, settings }: AnalyzedMesh): boolean {
  if (facts.trustDomain === 'cluster.local' && settings.trustDomainAliases.length === 0) return false;
  const named = [
    ...(rule.from ?? []).flatMap(({ source }) => [...(source.principals ?? []), ...(source.trustDomains ?? [])]),
    ...(rule.when ?? []).flatMap(({ key, values = [] }) => (key.startsWith('source.') ? values : [])),
  ];
  return named.some((value) => value !== '*' && value.includes('*'));
}

/** A service account without namespace means another one in each namespace. */
function namesOwnAccounts({ rule }: PlacedRule): boolean {
  return (rule.from ?? []).some(({ source }) =>
    [...(source.serviceAccounts ?? []), ...(source.notServiceAccounts ?? [])].some((value) => !value.includes('/')),
  );
}

function sightingOf(narrow: PlacedRule, wide: PlacedRule): Sighting {
  const place = `rules[${wide.index}]`;
  const name =
    narrow.policy === wide.policy
      ? place
      : `${place} of ${wide.policy.spec.action} policy ${qualifiedName(wide.policy)}`;
  const effect =
    wide.policy.spec.action === narrow.policy.spec.action
      ? `${name} already ${narrow.policy.spec.action === 'ALLOW' ? 'allows' : 'denies'} all that this rule is about: remove one of them`
      : `${name} denies all that this rule allows: it has no effect`;
  return { resource: narrow.policy, field: narrow.at, message: effect };
}
