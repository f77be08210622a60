import { parseRegex } from '../../policy/match/regex.ts';
import type { HttpRewrite } from '../../resource/traffic/virtual-service/actions.ts';
import type { StringMatch } from '../../resource/traffic/virtual-service/string-match.ts';
import { pathOf } from './request-match.ts';

/** Makes another target of the target of a request. */
export type UrlRewrite = (url: string) => string;

/** Envoy's match where a rule asks nothing of the path. */
const EVERY_PATH: StringMatch = { prefix: '/' };

/**
 * The change of a target that a route asks for, given how its path was matched: a prefix is replaced letter by letter, as Envoy
 * does, other paths as a whole. The query stays. Undefined where nothing changes.
 */
export function compileRewrite(
  { uri, uriRegexRewrite }: HttpRewrite = {},
  matched: StringMatch = EVERY_PATH,
): UrlRewrite | undefined {
  if (uri !== undefined) return matched.prefix === undefined ? whole(uri) : prefixed(matched.prefix, uri);
  if (uriRegexRewrite === undefined) return undefined;
  const { match, rewrite } = uriRegexRewrite;
  const regex = parseRegex(match);
  if (!regex.ok) return undefined;
  return (url) => {
    const path = pathOf(url);
    return rooted(regex.value.replace(path, rewrite)) + url.slice(path.length);
  };
}

/** The path of a redirect whose prefix is replaced. */
export function prefixed(prefix: string, replacement: string): UrlRewrite {
  return (url) => rooted(replacement + url.slice(prefix.length));
}

function whole(replacement: string): UrlRewrite {
  return (url) => rooted(replacement) + url.slice(pathOf(url).length);
}

/** A target without "/" in front would be another one than it seems (RFC 9112 §3.2). */
function rooted(url: string): string {
  return url.startsWith('/') ? url : `/${url}`;
}
