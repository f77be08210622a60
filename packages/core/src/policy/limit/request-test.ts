import type { RequestMatch } from '../../resource/rate-limit/match.ts';
import type { ConnectionAttributes, RequestAttributes } from '../attributes.ts';
import { compilePrincipals, type TrustDomains } from '../match/identity.ts';
import { compilePaths } from '../match/path-pattern.ts';
import { compileTextPatterns, type TextTest } from '../match/text-patterns.ts';

/** Whether a request is meant. */
export type RequestTest = (connection: ConnectionAttributes, request: RequestAttributes) => boolean;

/** Any of some matches; without matches every request. */
export function compileMatches(matches: readonly RequestMatch[] | undefined, domains: TrustDomains): RequestTest {
  if (matches === undefined) return () => true;
  const tests = matches.map((match) => compileMatch(match, domains));
  return (connection, request) => tests.some((test) => test(connection, request));
}

function compileMatch({ methods, paths, principals, headers = [] }: RequestMatch, domains: TrustDomains): RequestTest {
  const isMethod = unlessEmpty(methods, (values) => compileTextPatterns(values, 'any'));
  const isPath = unlessEmpty(paths, compilePaths);
  const isPrincipal = unlessEmpty(principals, (values) => compilePrincipals(values, domains));
  const fields = headers.map(({ name, values }) => ({ name, test: compileTextPatterns(values, 'any') }));
  return ({ principal = '' }, request) =>
    isMethod?.(request.method) !== false &&
    isPath?.(request.path) !== false &&
    isPrincipal?.(principal) !== false &&
    fields.every(({ name, test }) => {
      const value = request.header(name);
      return value !== undefined && test(value);
    });
}

function unlessEmpty(
  values: readonly string[] | undefined,
  compile: (values: readonly string[]) => TextTest,
): TextTest | undefined {
  return values === undefined || values.length === 0 ? undefined : compile(values);
}
