import { readMethods, readPaths } from '../authorization/operation.ts';
import type { Cursor } from '../cursor.ts';
import { patternList, type ValueCheck } from '../text-list.ts';

/** Requests that are meant: every field asks, any value of a field will do; an absent field asks nothing. */
export interface RequestMatch {
  readonly methods?: readonly string[];
  /** Patterns, or templates with `{*}` and `{**}`, as AuthorizationPolicy has them. */
  readonly paths?: readonly string[];
  /** Callers, by their certificates: "cluster.local/ns/web/sa/frontend", `*` at an end. */
  readonly principals?: readonly string[];
  readonly headers?: readonly HeaderMatch[];
}

/** A header that one of these values, with `*` at an end, is in. */
export interface HeaderMatch {
  /** In lower case. */
  readonly name: string;
  /** Never empty; `["*"]`: whenever it is there. */
  readonly values: readonly string[];
}

const MAX_MATCHES = 64;
const patterns = patternList();

/** RFC 9110 §5.1 field-name. */
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const fieldNameProblem: ValueCheck = (name) => (FIELD_NAME.test(name) ? undefined : 'must be the name of a header');

/** Patterns of methods, paths and callers, and headers; several matches are alternatives. */
export function readMatches(at: Cursor): RequestMatch[] | undefined {
  const matches = at.list(readMatch, 'a list of matches');
  const { length } = at.items() ?? [];
  if (matches !== undefined && length === 0)
    return at.error('is empty and would match nothing: leave it out for every request');
  return length > MAX_MATCHES ? at.error(`must hold at most ${MAX_MATCHES} matches, holds ${length}`) : matches;
}

function readMatch(at: Cursor): RequestMatch | undefined {
  return at.fields<RequestMatch>({
    methods: readMethods,
    paths: readPaths,
    principals: readPrincipals,
    headers: (headers) => headers.list(readHeader, 'a list of headers'),
  });
}

/** Names of callers, without their scheme. */
export function readPrincipals(at: Cursor): string[] | undefined {
  const values = patterns(at);
  for (const item of values === undefined ? [] : (at.items() ?? [])) {
    if (typeof item.value === 'string' && item.value.startsWith('spiffe://'))
      item.error('never matches: principals are written without "spiffe://"');
  }
  return values;
}

function readHeader(at: Cursor): HeaderMatch | undefined {
  const { name, values } =
    at.fields<HeaderMatch>({
      name: (name) => name.checked(fieldNameProblem)?.toLowerCase(),
      values: patterns,
    }) ?? {};
  if (at.child('name').value === undefined) at.error('needs a name');
  if (at.child('values').value === undefined || values?.length === 0)
    at.error('needs values; ["*"]: whenever it is there');
  return name === undefined || values === undefined ? undefined : { name, values };
}
