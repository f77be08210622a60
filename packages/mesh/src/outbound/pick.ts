import type { Random } from '@rampart/core';

import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';

/** Ports that mean "the port of this service", because the caller named none. */
const DEFAULT_PORTS = new Set([0, 80, 443]);

/** Picks an instance: of two drawn at random, the one with fewer requests in flight (power of two choices). */
export class Picker {
  readonly #random: Random;
  readonly #inFlight = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Undefined when no instance serves that port. */
  pick(service: MeshService, port: number): MeshEndpoint | undefined {
    const candidates = endpointsOn(service, port);
    if (candidates.length <= 1) return candidates[0];
    const first = candidates[Math.floor(this.#random() * candidates.length)];
    const second = candidates[Math.floor(this.#random() * candidates.length)];
    if (first === undefined || second === undefined) return candidates[0];
    return this.#load(second) < this.#load(first) ? second : first;
  }

  started(endpoint: MeshEndpoint): void {
    this.#inFlight.set(endpoint.instanceId, this.#load(endpoint) + 1);
  }

  finished(endpoint: MeshEndpoint): void {
    const load = this.#load(endpoint) - 1;
    if (load > 0) this.#inFlight.set(endpoint.instanceId, load);
    else this.#inFlight.delete(endpoint.instanceId);
  }

  #load(endpoint: MeshEndpoint): number {
    return this.#inFlight.get(endpoint.instanceId) ?? 0;
  }
}

function endpointsOn(service: MeshService, port: number): readonly MeshEndpoint[] {
  const { endpoints } = service;
  if (endpoints.length <= 1) {
    const only = endpoints[0];
    return only === undefined || DEFAULT_PORTS.has(port) || only.port === port ? endpoints : [];
  }
  const exact = endpoints.filter((endpoint) => endpoint.port === port);
  if (exact.length > 0 || !DEFAULT_PORTS.has(port)) return exact;
  return endpoints;
}
