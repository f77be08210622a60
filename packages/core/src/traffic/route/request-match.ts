import type { HttpMatch } from '../../resource/traffic/virtual-service/match.ts';
import type { StringMatch } from '../../resource/traffic/virtual-service/string-match.ts';
import type { RoutedRequest } from '../settings.ts';
import { compileTextMatch, type TextMatch } from './text-match.ts';

/** Whether a request, and its target without query, are what is asked for. */
export type RequestMatch = (request: RoutedRequest, path: string) => boolean;

/**
 * What of a match is asked of requests (Istio `HTTPMatchRequest`, Envoy `RouteMatch`); what it asks of callers and ports is asked
 * before. Undefined where nothing is asked.
 */
export function compileRequestMatch(match: HttpMatch): RequestMatch | undefined {
  const checks = checksOf(match);
  if (checks.length === 0) return undefined;
  const [only, second] = checks;
  if (second === undefined) return only;
  return (request, path) => {
    for (const check of checks) if (!check(request, path)) return false;
    return true;
  };
}

/** Requests of a mesh are sent as plain HTTP, and encrypted by it. */
const SCHEME = 'http';

/** The part of a target before its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function checksOf(match: HttpMatch): RequestMatch[] {
  const { method, uri, authority, scheme, ignoreUriCase = false } = match;
  return [
    ...(method === undefined ? [] : [on(compileTextMatch(method), ({ method: sent }) => sent)]),
    ...(uri === undefined ? [] : [on(compileTextMatch(uri, { ignoreCase: ignoreUriCase }), (_, path) => path)]),
    ...(authority === undefined ? [] : [on(compileTextMatch(authority), (request) => request.authority)]),
    ...(scheme === undefined ? [] : [on(compileTextMatch(scheme), () => SCHEME)]),
    ...entries(match.headers).map(([name, wanted]) => headerCheck(name, wanted)),
    ...entries(match.withoutHeaders).map(([name, wanted]) => not(headerCheck(name, wanted))),
    ...entries(match.queryParams).map(([name, wanted]) => queryCheck(name, wanted)),
  ];
}

function on(matches: TextMatch, textOf: (request: RoutedRequest, path: string) => string): RequestMatch {
  return (request, path) => matches(textOf(request, path));
}

function not(check: RequestMatch): RequestMatch {
  return (request, path) => !check(request, path);
}

function entries(matches: Readonly<Record<string, StringMatch>> = {}): [string, StringMatch][] {
  return Object.entries(matches);
}

/** Several headers of a name are one text, joined by commas (RFC 9110 §5.3); one that is absent is nothing that is asked for. */
function headerCheck(name: string, wanted: StringMatch): RequestMatch {
  const matches = compileTextMatch(wanted);
  return ({ headers }) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined) return false;
    return matches(Array.isArray(value) ? value.join(',') : value);
  };
}

/** The first parameter of a name counts, as it is written (Envoy does not decode it). */
function queryCheck(name: string, wanted: StringMatch): RequestMatch {
  const matches = compileTextMatch(wanted);
  return ({ url }, path) => {
    const value = parameter(url.slice(path.length + 1), name);
    return value !== undefined && matches(value);
  };
}

function parameter(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    if ((equals === -1 ? pair : pair.slice(0, equals)) === name) return equals === -1 ? '' : pair.slice(equals + 1);
  }
  return undefined;
}
