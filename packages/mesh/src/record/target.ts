import { ACCESS_TOKEN } from '@rampart/core';

const STANDARD: ReadonlySet<string> = new Set([ACCESS_TOKEN]);

/** A request target as it may be recorded: without bearer tokens, which would let in whoever reads the record. */
export function recordable(target: string): string {
  return target.includes(ACCESS_TOKEN) ? withoutParams(target, STANDARD) : target;
}

/** A request target without the values of some query parameters, however their names are escaped. */
export function withoutParams(target: string, names: ReadonlySet<string>): string {
  const query = target.indexOf('?');
  if (query === -1 || names.size === 0) return target;
  const parts = target.slice(query + 1).split('&');
  const isNamed = (part: string): boolean => [...new URLSearchParams(part).keys()].some((name) => names.has(name));
  if (!parts.some(isNamed)) return target;
  const kept = parts.map((part) => (isNamed(part) ? `${part.split('=', 1)[0] ?? ''}=[removed]` : part));
  return `${target.slice(0, query)}?${kept.join('&')}`;
}
