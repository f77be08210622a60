import { isFixedInRequest, isFraming } from '@rampart/core';

import type { AuthorizerCall, HttpCall } from '../call.ts';
import { HeaderNames } from '../header-names.ts';
import { headerPairs, joinedHeaders } from '../raw-headers.ts';
import { PARTIAL_BODY_HEADER } from '../transport.ts';
import type { Check } from '../transport.ts';

/** Shown to every HTTP authorizer, besides method, path and length (Envoy `toRequestMatchers`). */
const ALWAYS_SHOWN = ['authorization', 'host'];

/** A request as an HTTP authorizer gets it. */
export interface CheckMessage {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Uint8Array | undefined;
}

/** Which headers of the caller an HTTP authorizer is shown. */
export function shownHeaders(patterns: readonly string[] | undefined): HeaderNames {
  return new HeaderNames(patterns, ALWAYS_SHOWN);
}

/**
 * The request of an HTTP check: method, path and host of the caller's, a prefix before the path, the headers that the
 * provider names and those that it is always sent (Envoy `ext_authz_http_impl.cc`).
 */
export function checkMessage({ provider, body }: Check, http: HttpCall, shown: HeaderNames): CheckMessage {
  const added = Object.entries(provider.includeAdditionalHeadersInCheck ?? {});
  const replaced = new Set(added.map(([name]) => name.toLowerCase()));
  const headers: string[] = [];
  if (!replaced.has('host')) headers.push('host', http.host);
  for (const [name, value] of joinedHeaders(http.rawHeaders)) {
    if (name === 'host' || isFraming(name) || replaced.has(name)) continue;
    if (shown.has(name)) headers.push(name, value);
  }
  for (const [name, value] of added) headers.push(name, value);
  if (body !== undefined) headers.push(PARTIAL_BODY_HEADER, String(!body.complete));
  headers.push('content-length', String(body?.bytes.length ?? 0));
  return { method: http.method, path: `${provider.pathPrefix ?? ''}${http.target}`, headers, body: body?.bytes };
}

/** Names of the caller's headers among those that the authorizer speaks for, without having seen them. */
export function unvouched(call: AuthorizerCall, spokenFor: HeaderNames, shown: HeaderNames): Set<string> {
  const names = new Set<string>();
  if (spokenFor.empty) return names;
  for (const [name] of headerPairs(call.http?.rawHeaders ?? [])) {
    if (spokenFor.has(name) && !shown.has(name) && !isFixedInRequest(name)) names.add(name);
  }
  return names;
}
