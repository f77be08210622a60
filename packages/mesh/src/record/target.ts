import { ACCESS_TOKEN } from '@rampart/core';

const STANDARD: ReadonlySet<string> = new Set([ACCESS_TOKEN]);

/** How every JSON Web Token begins whose header is written without spaces: `{"` in base64url. */
const JWT_START = 'eyJ';
/** Anchored at both ends, so that it looks at each character once. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;
const BETWEEN_WORDS = /%[0-9A-Fa-f]{2}|[^\w.-]/;
const REMOVED = '[removed]';

/** The name of a query parameter that may mean another one. */
const ESCAPED_NAME = /[?&][^?&=%+]*[%+]/;

/** The user information of an absolute target; where its authority ends, paths may have an "@", too. */
const CREDENTIALS = /^([A-Za-z][\w+.-]*:\/\/)[^/?#]*@/;

/**
 * A request target as it may be recorded: without passwords and bearer tokens, which would let in whoever reads the
 * record. Callers do not know where the rules of others look for tokens, so what looks like one is one.
 */
export function recordable(target: string): string {
  // A path without parameters has no room for any of them.
  if (!target.includes('?') && target.startsWith('/')) return target;
  const bare = target.startsWith('/') ? target : target.replace(CREDENTIALS, `$1${REMOVED}@`);
  const named = bare.includes(ACCESS_TOKEN) || ESCAPED_NAME.test(bare) ? withoutParams(bare, STANDARD) : bare;
  return named.includes(JWT_START) ? withoutJwts(named) : named;
}

function withoutJwts(target: string): string {
  const query = target.indexOf('?');
  if (query === -1) return target;
  const parts = target.slice(query + 1).split('&');
  const kept = parts.map((part) => {
    if (!part.split(BETWEEN_WORDS).some((word) => JWT.test(word))) return part;
    const equals = part.indexOf('=');
    return `${part.slice(0, equals + 1)}${REMOVED}`;
  });
  return `${target.slice(0, query)}?${kept.join('&')}`;
}

/** A request target without the values of some query parameters, however their names are escaped. */
export function withoutParams(target: string, names: ReadonlySet<string>): string {
  const query = target.indexOf('?');
  if (query === -1 || names.size === 0) return target;
  const parts = target.slice(query + 1).split('&');
  let isFound = false;
  const kept = parts.map((part) => {
    const equals = part.indexOf('=');
    const name = equals === -1 ? part : part.slice(0, equals);
    if (!isNamed(name, names)) return part;
    isFound = true;
    return `${name}=${REMOVED}`;
  });
  if (!isFound) return target;
  return `${target.slice(0, query)}?${kept.join('&')}`;
}

/** Names are taken apart only where something in them is escaped: a query may have thousands of them. */
function isNamed(name: string, names: ReadonlySet<string>): boolean {
  if (!name.includes('%') && !name.includes('+')) return names.has(name);
  return [...new URLSearchParams(name).keys()].some((meant) => names.has(meant));
}
