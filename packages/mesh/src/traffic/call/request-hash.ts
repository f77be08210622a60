import type { RoutedRequest } from '@rampart/core';

import { hashOf } from '../balance/hash.ts';
import type { HashSource } from '../settings/balancing.ts';

/** The number that consistent hashing goes by; undefined where the request does not have what it is taken of. */
export function hashOfRequest(
  source: HashSource | undefined,
  request: RoutedRequest,
  caller: string,
): number | undefined {
  if (source === undefined) return undefined;
  const text = textOf(source, request, caller);
  return text === undefined || text === '' ? undefined : hashOf(text);
}

function textOf(source: HashSource, { headers, url }: RoutedRequest, caller: string): string | undefined {
  switch (source.of) {
    case 'caller':
      return caller;
    case 'header': {
      const value = headers[source.name.toLowerCase()];
      return Array.isArray(value) ? value.join(',') : value;
    }
    case 'query': {
      const at = url.indexOf('?');
      return at === -1 ? undefined : (new URLSearchParams(url.slice(at)).get(source.name) ?? undefined);
    }
    case 'cookie':
      return cookieOf(headers['cookie'], source.name);
  }
}

const QUOTED = /^"(.*)"$/;

/** The first one of a name counts (RFC 6265 §5.4). */
function cookieOf(header: string | string[] | undefined, name: string): string | undefined {
  const text = Array.isArray(header) ? header.join('; ') : header;
  if (text === undefined) return undefined;
  for (const pair of text.split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name)
      return pair
        .slice(at + 1)
        .trim()
        .replace(QUOTED, '$1');
  }
  return undefined;
}
