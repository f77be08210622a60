import { qualifiedName } from '@rampart/core';

const WORKLOAD_PATH = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * A SPIFFE ID (or principal) as short as it stays unambiguous, in the form that `authz check --from` takes:
 * "namespace/service-account" inside the home trust domain, the whole principal outside it.
 */
export function shortIdentity(spiffeId: string, homeTrustDomain: string): string {
  const principal = spiffeId.startsWith('spiffe://') ? spiffeId.slice('spiffe://'.length) : spiffeId;
  const slash = principal.indexOf('/');
  if (slash < 0) return principal;
  const workload = WORKLOAD_PATH.exec(principal.slice(slash));
  if (principal.slice(0, slash) !== homeTrustDomain || workload === null) return principal;
  return `${workload[1]}/${workload[2]}`;
}

/** "NetworkPolicy shop/web"; "Namespace shop" for a kind that is in no namespace. */
export function resourceName(resource: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): string {
  const { kind, namespace, name } = resource;
  return `${kind} ${qualifiedName({ metadata: { namespace, name } })}`;
}

/** "orders-api.default" of "orders-api.default.svc" or "orders-api.default.svc.cluster.local", the form that `--to` takes. */
export function shortService(host: string): string {
  return host.replace(/\.svc(\.cluster\.local)?\.?$/, '');
}

/** Trust domain of a SPIFFE ID; undefined when there is none. */
export function trustDomainOf(spiffeId: string): string | undefined {
  return /^spiffe:\/\/([^/]+)/.exec(spiffeId)?.[1];
}
