import { PARTIAL_BODY_HEADER } from './transport.ts';

/** Names in lower case and values of a list of raw headers. */
export function headerPairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    found.push([rawHeaders[index]?.toLowerCase() ?? '', rawHeaders[index + 1] ?? '']);
  }
  return found;
}

/**
 * A caller's headers for an authorizer: one value each, several joined as Envoy and RFC 9110 §5.3 join them, so that
 * none of two can be shown and the other one used. What only we tell authorizers is not taken from callers.
 */
export function joinedHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of headerPairs(rawHeaders)) {
    if (name === PARTIAL_BODY_HEADER) continue;
    const before = joined.get(name);
    const separator = name === 'cookie' ? '; ' : ',';
    joined.set(name, before === undefined ? value : `${before}${separator}${value}`);
  }
  return joined;
}
