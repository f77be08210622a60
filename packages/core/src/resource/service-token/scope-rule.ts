import type { Cursor } from '../cursor.ts';
import { pathList, patternList, textList } from '../text-list.ts';

/** Requests of these methods and paths need all of these scopes; an absent list asks nothing. */
export interface ScopeRule {
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
  /** Never empty. */
  readonly scopes: readonly string[];
}

/** RFC 6749 §3.3 scope-token. */
const SCOPE = /^[!#-[\]-~]+$/;
const MAX_RULES = 512;

export function readScopeRules(at: Cursor): ScopeRule[] | undefined {
  const rules = at.list(readScopeRule, 'a list of rules');
  if (rules === undefined) return undefined;
  const { length } = at.items() ?? [];
  if (length === 0) at.warning('holds no rule: every request is refused');
  return length > MAX_RULES ? at.error(`must hold at most ${MAX_RULES} rules, holds ${length}`) : rules;
}

function readScopeRule(at: Cursor): ScopeRule | undefined {
  const fields = at.fields<ScopeRule>({
    methods: patternList(),
    paths: pathList(),
    scopes: textList((scope) => (SCOPE.test(scope) ? undefined : 'must be one scope: without spaces, quotes or "\\"')),
  });
  if (fields === undefined) return undefined;
  const given = at.child('scopes').value;
  if (given === undefined || (Array.isArray(given) && given.length === 0)) {
    return at.error('needs scopes: what a token must hold for these requests');
  }
  const { scopes, ...rest } = fields;
  return scopes === undefined ? undefined : { ...rest, scopes };
}
