import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import { compileNamespaces } from '../../policy/match/identity.ts';
import type { Trouble } from './impossible-values.ts';
import { hasWildcard, listCovers } from './patterns.ts';

type Lists = Readonly<Record<string, readonly string[] | undefined>>;

/** Places of a rule where one field takes away all that another one asks for. */
export function contradictions({ from = [], to = [], when = [] }: AuthorizationRule, at: string): readonly Trouble[] {
  return [
    ...from.flatMap(({ source }, index) => {
      const place = `${at}.from[${index}].source`;
      return [...excluded({ ...source }, place), ...otherNamespace({ ...source }, place)];
    }),
    ...to.flatMap(({ operation }, index) => excluded({ ...operation }, `${at}.to[${index}].operation`)),
    ...when.flatMap(({ values, notValues }, index) => excluded({ values, notValues }, `${at}.when[${index}]`)),
    ...otherValues(when, at),
    ...otherSources(from, when, at),
  ];
}

/** Attributes that sources and conditions both may ask about. */
const OF_SOURCE: Readonly<Record<string, 'principals' | 'namespaces'>> = {
  'source.principal': 'principals',
  'source.namespace': 'namespaces',
};

/** `from: namespaces: [a]` beside `when: source.namespace: [b]`. */
function otherSources(
  from: NonNullable<AuthorizationRule['from']>,
  conditions: readonly AuthorizationCondition[],
  at: string,
): readonly Trouble[] {
  return conditions.flatMap(({ key, values = [] }, index) => {
    const field = OF_SOURCE[key];
    if (field === undefined || from.length === 0 || isOpenEnded(values)) return [];
    const excludes = ({ source }: { readonly source: Lists }): boolean => {
      const wanted = source[field] ?? [];
      // A trust domain has several names: what stands behind it must differ.
      const isSame = (one: string, other: string): boolean =>
        one.slice(one.indexOf('/') + 1) === other.slice(other.indexOf('/') + 1);
      return !isOpenEnded(wanted) && !wanted.some((value) => values.some((other) => isSame(value, other)));
    };
    if (!from.every(({ source }) => excludes({ source: { ...source } }))) return [];
    const message = `never matches: no source of the rule has a ${key} that the condition asks for`;
    return [{ field: `${at}.when[${index}].values`, message }];
  });
}

function isOpenEnded(values: readonly string[]): boolean {
  return values.length === 0 || values.some((value) => value.includes('*'));
}

/** `methods: [GET]` beside `notMethods: ["*"]`. */
function excluded(fields: Lists, at: string): readonly Trouble[] {
  return Object.entries(fields).flatMap(([field, values = []]) => {
    const negative = `not${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    const taken = fields[negative] ?? [];
    if (field.startsWith('not') || values.length === 0 || taken.length === 0 || !listCovers(taken, values)) return [];
    return [{ field: `${at}.${field}`, message: `never matches: ${negative} takes away all of ${field}` }];
  });
}

/** Principals of one namespace beside the name of another. */
function otherNamespace({ principals = [], namespaces = [] }: Lists, at: string): readonly Trouble[] {
  if (principals.length === 0 || namespaces.length === 0 || principals.some(hasWildcard)) return [];
  const inNamespace = compileNamespaces(namespaces);
  if (principals.some(inNamespace)) return [];
  return [{ field: `${at}.namespaces`, message: 'never matches: none of the principals is of these namespaces' }];
}

/** Attributes that have one value, so that two conditions with different ones can never both hold. */
const SINGLE: ReadonlySet<string> = new Set([
  'source.principal',
  'source.namespace',
  'source.serviceAccount',
  'source.trustDomain',
  'destination.port',
  'connection.sni',
  'request.auth.principal',
  'request.auth.presenter',
]);

function otherValues(conditions: readonly AuthorizationCondition[], at: string): readonly Trouble[] {
  return conditions.flatMap(({ key, values = [] }, index) => {
    const isSingle = SINGLE.has(key) || key.startsWith('request.headers');
    if (!isSingle || values.length === 0 || values.some(hasWildcard)) return [];
    const before = conditions.slice(0, index).find((other) => other.key === key && (other.values ?? []).length > 0);
    const wanted = before?.values ?? [];
    if (before === undefined || wanted.some((value) => hasWildcard(value) || values.includes(value))) return [];
    return [
      {
        field: `${at}.when[${index}]`,
        message: `never matches: another condition on ${key} asks for other values, and all conditions must hold`,
      },
    ];
  });
}
