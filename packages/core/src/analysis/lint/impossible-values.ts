import { parseTextPattern } from '../../policy/match/text-patterns.ts';
import { normalizePath } from '../../policy/path.ts';
import type { MeshSettings } from '../../policy/mesh-settings.ts';
import { deadMethod, deadPath } from '../../resource/authorization/dead-value.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import { hasWildcard } from './patterns.ts';

/** Something wrong with a field of a rule. */
export interface Trouble {
  readonly field: string;
  readonly message: string;
}

/** What is wrong with one value; undefined when something could match it. */
type ValueTest = (value: string) => string | undefined;

/** Fields of which no value can be what any request has. */
export function impossibleValues(
  rule: AuthorizationRule,
  at: string,
  { pathNormalization }: MeshSettings,
): readonly Trouble[] {
  const pathTest: ValueTest = (value) => {
    if (!value.includes('{*') && hasLiteralStar(value)) {
      return 'only one "*" at an end is a wildcard: write {*} for one segment, {**} for any number';
    }
    const dead = deadPath(value);
    if (dead !== undefined || value.startsWith('*') || hasWildcard(value)) return dead;
    const normal = normalizePath(value, pathNormalization);
    if (!normal.ok) return normal.problem;
    return normal.value === value ? undefined : `it reaches policies as ${normal.value}`;
  };
  const test = (values: readonly string[] | undefined, field: string, check: ValueTest): Trouble[] =>
    (values ?? []).flatMap((value, index) => {
      const problem = check(value);
      const shown = JSON.stringify(value);
      return problem === undefined
        ? []
        : [{ field: `${field}[${index}]`, message: `${shown} never matches: ${problem}` }];
    });
  return [
    ...(rule.from ?? []).flatMap(({ source }, index) => [
      ...test(source.principals, `${at}.from[${index}].source.principals`, principalProblem),
      ...test(source.namespaces, `${at}.from[${index}].source.namespaces`, namespaceProblem),
      ...test(source.requestPrincipals, `${at}.from[${index}].source.requestPrincipals`, requestPrincipalProblem),
    ]),
    ...(rule.to ?? []).flatMap(({ operation }, index) => [
      ...test(operation.methods, `${at}.to[${index}].operation.methods`, methodProblem),
      ...test(operation.hosts, `${at}.to[${index}].operation.hosts`, hostProblem),
      ...test(operation.paths, `${at}.to[${index}].operation.paths`, pathTest),
    ]),
    ...(rule.when ?? []).flatMap(({ key, values }, index) => {
      const field = `${at}.when[${index}].values`;
      if (key === 'source.principal') return test(values, field, principalProblem);
      if (key === 'source.namespace') return test(values, field, namespaceProblem);
      return key === 'request.auth.principal' ? test(values, field, requestPrincipalProblem) : [];
    }),
  ];
}

const SCHEME = 'spiffe://';

function principalProblem(value: string): string | undefined {
  if (value.startsWith(SCHEME)) return `principals are written without ${SCHEME}`;
  if (hasLiteralStar(value)) return 'only one "*" at an end is a wildcard: name each principal, or use namespaces';
  if (hasWildcard(value)) return undefined;
  return /^[^/]+\/ns\/[^/]+\/sa\/[^/]+$/.test(value)
    ? undefined
    : 'a principal is trust-domain/ns/NAMESPACE/sa/ACCOUNT';
}

function namespaceProblem(value: string): string | undefined {
  return value.includes('/') ? 'a namespace is its name alone, such as shop' : undefined;
}

function hostProblem(value: string): string | undefined {
  if (value.includes('/')) return 'a host has neither scheme nor path, as in shop.example.com or shop.example.com:8443';
  return hasLiteralStar(value) ? 'only one "*" at an end is a wildcard: name each host' : undefined;
}

/** Whether a "*" is left that is no wildcard (Istio's string match). */
function hasLiteralStar(value: string): boolean {
  return parseTextPattern(value).text.includes('*');
}

function requestPrincipalProblem(value: string): string | undefined {
  return hasWildcard(value) || value.includes('/') ? undefined : 'a request principal is ISSUER/SUBJECT';
}

function methodProblem(value: string): string | undefined {
  if (hasLiteralStar(value)) return 'only one "*" at an end is a wildcard: name each method';
  return deadMethod(value);
}
