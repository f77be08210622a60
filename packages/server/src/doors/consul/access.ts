/**
 * Who may call: anyone at all; whoever is let in by AuthenticateRequest, who then sees what he may discover (read) or does what the
 * registry's admission allows (write); operators; or nobody, because it is no part of this registry.
 */
export type ConsulAccess = 'anyone' | 'read' | 'write' | 'operator' | 'nobody';

/** Every endpoint of Consul's HTTP API. One without a row is refused. */
const ACCESS: ReadonlyMap<string, ConsulAccess> = new Map<string, ConsulAccess>([
  ['GET /v1/status/leader', 'anyone'],
  ['GET /v1/status/peers', 'anyone'],
  ['GET /v1/agent/self', 'read'],
  ['GET /v1/agent/members', 'read'],
  ['GET /v1/agent/host', 'nobody'],
  ['GET /v1/agent/version', 'read'],
  ['GET /v1/agent/services', 'read'],
  ['GET /v1/agent/service/:id', 'read'],
  ['GET /v1/agent/checks', 'read'],
  ['GET /v1/agent/health/service/name/:name', 'read'],
  ['GET /v1/agent/health/service/id/:id', 'read'],
  ['PUT /v1/agent/service/register', 'write'],
  ['PUT /v1/agent/service/deregister/:id', 'write'],
  ['PUT /v1/agent/service/maintenance/:id', 'write'],
  ['PUT /v1/agent/check/register', 'write'],
  ['PUT /v1/agent/check/deregister/:id', 'write'],
  ['PUT /v1/agent/check/pass/:id', 'write'],
  ['PUT /v1/agent/check/warn/:id', 'write'],
  ['PUT /v1/agent/check/fail/:id', 'write'],
  ['PUT /v1/agent/check/update/:id', 'write'],
  ['ANY /v1/agent/*', 'nobody'],
  ['PUT /v1/catalog/register', 'write'],
  ['PUT /v1/catalog/deregister', 'write'],
  ['GET /v1/catalog/datacenters', 'anyone'],
  ['GET /v1/catalog/services', 'read'],
  ['GET /v1/catalog/service/:service', 'read'],
  ['GET /v1/catalog/nodes', 'read'],
  ['GET /v1/catalog/node/:node', 'read'],
  ['GET /v1/catalog/node-services/:node', 'read'],
  ['ANY /v1/catalog/connect/:service', 'nobody'],
  ['ANY /v1/catalog/gateway-services/:gateway', 'nobody'],
  ['GET /v1/health/service/:service', 'read'],
  ['GET /v1/health/checks/:service', 'read'],
  ['GET /v1/health/node/:node', 'read'],
  ['GET /v1/health/state/:state', 'read'],
  ['ANY /v1/health/connect/:service', 'nobody'],
  ['ANY /v1/health/ingress/:service', 'nobody'],
  ['PUT /v1/acl/bootstrap', 'anyone'],
  ['GET /v1/acl/policies', 'operator'],
  ['PUT /v1/acl/policy', 'operator'],
  ['GET /v1/acl/policy/:id', 'operator'],
  ['PUT /v1/acl/policy/:id', 'operator'],
  ['DELETE /v1/acl/policy/:id', 'operator'],
  ['GET /v1/acl/policy/name/:name', 'operator'],
  ['GET /v1/acl/tokens', 'operator'],
  ['GET /v1/acl/token/self', 'read'],
  ['PUT /v1/acl/token', 'operator'],
  ['GET /v1/acl/token/:accessor', 'operator'],
  ['PUT /v1/acl/token/:accessor/clone', 'operator'],
  ['DELETE /v1/acl/token/:accessor', 'operator'],
  ['ANY /v1/acl/*', 'nobody'],
  ['ANY /v1/kv/*', 'nobody'],
  ['ANY /v1/session/*', 'nobody'],
  ['ANY /v1/event/*', 'nobody'],
  ['ANY /v1/query', 'nobody'],
  ['ANY /v1/query/*', 'nobody'],
  ['ANY /v1/txn', 'nobody'],
  ['ANY /v1/config', 'nobody'],
  ['ANY /v1/config/*', 'nobody'],
  ['ANY /v1/connect/*', 'nobody'],
  ['ANY /v1/coordinate/*', 'nobody'],
  ['ANY /v1/discovery-chain/*', 'nobody'],
  ['ANY /v1/exported-services', 'nobody'],
  ['ANY /v1/imported-services', 'nobody'],
  ['ANY /v1/internal/*', 'nobody'],
  ['ANY /v1/operator/*', 'nobody'],
  ['ANY /v1/partition/*', 'nobody'],
  ['ANY /v1/partitions', 'nobody'],
  ['ANY /v1/namespace/*', 'nobody'],
  ['ANY /v1/namespaces', 'nobody'],
  ['ANY /v1/peering', 'nobody'],
  ['ANY /v1/peering/*', 'nobody'],
  ['ANY /v1/peerings', 'nobody'],
  ['ANY /v1/snapshot', 'nobody'],
]);

/** Who may call an endpoint ("GET /v1/agent/self"); undefined when nobody may. */
export function consulAccessOf(endpoint: string): ConsulAccess | undefined {
  return ACCESS.get(endpoint);
}

/** The endpoints that have a row. */
export function listedEndpoints(): readonly string[] {
  return [...ACCESS.keys()];
}
