import type { ScopeRule } from '../resource/service-token/scope-rule.ts';
import type { RequestAttributes } from './attributes.ts';
import { compilePaths } from './match/path-pattern.ts';
import { compileTextPatterns } from './match/text-patterns.ts';

/** The scopes that a request needs: those of every rule that covers it; undefined when none does. */
export type ScopesNeeded = (request: Pick<RequestAttributes, 'method' | 'path'>) => readonly string[] | undefined;

/** Compiles the rules of a ServiceTokenPolicy. A request that several rules cover needs what each of them asks. */
export function compileScopeRules(rules: readonly ScopeRule[]): ScopesNeeded {
  const compiled = rules.map(({ methods = [], paths = [], scopes }) => ({
    isMethod: methods.length === 0 ? undefined : compileTextPatterns(methods, 'any'),
    isPath: paths.length === 0 ? undefined : compilePaths(paths),
    scopes,
  }));
  return ({ method, path }) => {
    const covering = compiled.filter(
      ({ isMethod, isPath }) => isMethod?.(method) !== false && isPath?.(path) !== false,
    );
    return covering.length === 0 ? undefined : [...new Set(covering.flatMap(({ scopes }) => scopes))];
  };
}

/** Who may call, by the `sub` of the token: exact, `prefix*`, `*suffix`, `*`; without patterns everyone. */
export function compileSubjects(patterns: readonly string[] | undefined): (subject: string) => boolean {
  return patterns === undefined || patterns.length === 0 ? () => true : compileTextPatterns(patterns, 'non-empty');
}
