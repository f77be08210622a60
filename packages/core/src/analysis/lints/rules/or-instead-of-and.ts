import type { AuthorizationRule } from '../../../resource/authorization/rule.ts';
import type { AuthorizationPolicy } from '../../../resource/resource.ts';
import { rulesOf } from '../../lint/analyzed-mesh.ts';
import { isHealthCheck } from '../../lint/health-check.ts';
import type { Lint, Sighting } from '../../lint/lint.ts';

export const orInsteadOfAnd: Lint = {
  code: 'RAMP3006',
  name: 'or-instead-of-and',
  severity: 'warning',
  title: 'an extra "-" asks for either of two things where both were most likely meant',
  find: (mesh) => mesh.ofKind('AuthorizationPolicy').flatMap(sightings),
};

function sightings(policy: AuthorizationPolicy): readonly Sighting[] {
  const rules = rulesOf(policy);
  const split = rules.flatMap(({ rule, at }, index) => {
    const previous = rules[index - 1]?.rule;
    if (previous === undefined || !isSplit(previous, rule)) return [];
    const parts = `${partsOf(previous).join(' and ')} of one rule and ${partsOf(rule).join(' and ')} of the next`;
    return [
      {
        resource: policy,
        field: at,
        message: `${parts} are two rules, of which either is enough: remove the "-" before "${partsOf(rule)[0]}" if both are meant`,
      },
    ];
  });
  const entries = rules.flatMap(({ rule, at }) => [
    ...splitEntries(
      rule.from?.map(({ source }) => source),
      `${at}.from`,
      'source',
    ),
    ...splitEntries(
      rule.to?.map(({ operation }) => operation),
      `${at}.to`,
      'operation',
    ),
  ]);
  return [...split, ...entries.map((entry) => ({ resource: policy, ...entry }))];
}

/** One rule says only who, its neighbour only what: together they say neither. What everybody may ask stands alone. */
function isSplit(first: AuthorizationRule, second: AuthorizationRule): boolean {
  if (isHealthCheck(first) || isHealthCheck(second)) return false;
  const before = partsOf(first);
  const after = partsOf(second);
  const saysWho = (parts: readonly string[]): boolean => parts.includes('from') && !parts.includes('to');
  const saysWhat = (parts: readonly string[]): boolean => parts.length > 0 && !parts.includes('from');
  return (saysWho(before) && saysWhat(after)) || (before.includes('to') && saysWhat(before) && saysWho(after));
}

function partsOf(rule: AuthorizationRule): readonly string[] {
  return (['from', 'to', 'when'] as const).filter((part) => (rule[part] ?? []).length > 0);
}

/** Neighbours that ask about different fields: `- principals` and then `- requestPrincipals`. */
function splitEntries(
  entries: readonly object[] = [],
  at: string,
  name: string,
): readonly { readonly field: string; readonly message: string }[] {
  return entries.flatMap((entry, index) => {
    const fields = Object.keys(entry);
    const before = Object.keys(entries[index - 1] ?? {});
    if (before.length === 0 || fields.some((field) => before.some((other) => subject(other) === subject(field))))
      return [];
    const message = `${before.join(' and ')} and ${fields.join(' and ')} stand in two ${name}s, of which either is enough: put them into one if both are meant`;
    return [{ field: `${at}[${index}]`, message }];
  });
}

/** Ways of naming the caller's identity stand for each other; two of them side by side are meant as they stand. */
const IDENTITY: ReadonlySet<string> = new Set(['principals', 'namespaces', 'serviceAccounts', 'trustDomains']);

function subject(field: string): string {
  const positive = field.startsWith('not') ? `${field.charAt(3).toLowerCase()}${field.slice(4)}` : field;
  return IDENTITY.has(positive) ? 'identity' : positive;
}
