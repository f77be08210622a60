import { parseServiceName, serviceHost } from '@rampart/core';
import type { ServiceName } from '@rampart/core';

import type { MeshService } from '../view/endpoint.ts';
import { serviceKey } from '../view/mesh-view.ts';
import type { MeshView, ServiceKey } from '../view/mesh-view.ts';

/** Where a name leads: to a service of the mesh, out of the mesh, or nowhere because nobody could tell yet. */
export type Resolution =
  | { readonly kind: 'mesh'; readonly service: MeshService }
  | { readonly kind: 'outside' }
  | { readonly kind: 'refused'; readonly code: 'NOT_FOUND' | 'POLICY_NOT_READY'; readonly reason: string };

const OUTSIDE: Resolution = { kind: 'outside' };
const NAMES_OF_THIS_HOST = new Set(['localhost', 'ip6-localhost', 'ip6-loopback']);

/** A host outside the mesh as rules name it: in lower case, and without the dot of a name that is absolute (RFC 1034 §3.1). */
export function outsideName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** Whether a name, in lower case, is that of every host for itself. */
export function isNameOfThisHost(name: string): boolean {
  return NAMES_OF_THIS_HOST.has(name);
}

/**
 * Resolves the host of an outgoing call. A name that only the mesh could know is never handed to DNS:
 * a missing snapshot or an unknown service would otherwise send the request in plaintext to a stranger.
 */
export function resolve(host: string, view: MeshView, callerNamespace: string): Resolution {
  const name = host.toLowerCase();
  if (isNameOfThisHost(name)) return OUTSIDE;
  const found = parsedName(name, callerNamespace);
  if (found === undefined) return OUTSIDE;
  const { parsed, key } = found;
  const service = view.serviceOf(key);
  if (service !== undefined) return { kind: 'mesh', service };
  if (name.endsWith('.svc') || name.includes('.svc.')) {
    return {
      kind: 'refused',
      code: 'NOT_FOUND',
      reason: `no service ${serviceHost(parsed)} is registered in the mesh`,
    };
  }
  if (!view.ready && !name.slice(0, -1).includes('.')) {
    return {
      kind: 'refused',
      code: 'POLICY_NOT_READY',
      reason: `cannot tell whether "${host}" is a service of the mesh: no snapshot from the control plane yet`,
    };
  }
  return OUTSIDE;
}

/** Programs call the same few names again and again. */
const MOST_NAMES = 1000;

interface ParsedName {
  /** Under which a view holds the service. Kept, because a text that is put together for each call has to be hashed for each. */
  readonly key: ServiceKey;
  readonly parsed: ServiceName;
}

interface KnownName {
  readonly namespace: string;
  readonly found: ParsedName | undefined;
}

const names = new Map<string, KnownName>();

function parsedName(name: string, namespace: string): ParsedName | undefined {
  const known = names.get(name);
  if (known?.namespace === namespace) return known.found;
  if (names.size >= MOST_NAMES) names.clear();
  const parsed = parseServiceName(name, namespace);
  const found = parsed && { parsed, key: serviceKey(parsed) };
  names.set(name, { namespace, found });
  return found;
}
