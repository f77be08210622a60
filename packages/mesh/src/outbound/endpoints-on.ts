import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';

/** Ports that mean "the port of this service", because the caller named none. */
const DEFAULT_PORTS = new Set([0, 80, 443]);

/** The instances of a service that serve a port. */
export function endpointsOn(service: MeshService, port: number): readonly MeshEndpoint[] {
  const { endpoints } = service;
  if (endpoints.length <= 1) {
    const only = endpoints[0];
    return only === undefined || DEFAULT_PORTS.has(port) || only.port === port ? endpoints : [];
  }
  const exact = endpoints.filter((endpoint) => endpoint.port === port);
  if (exact.length > 0 || !DEFAULT_PORTS.has(port)) return exact;
  // Who names no port means HTTP, where the service has both.
  if (!endpoints.some(isTcp)) return endpoints;
  const http = endpoints.filter((endpoint) => !isTcp(endpoint));
  return http.length > 0 ? http : endpoints;
}

function isTcp({ protocol }: MeshEndpoint): boolean {
  return protocol === 'tcp';
}
