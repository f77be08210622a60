import type { Random } from '@rampart/core';

import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';

/** Ports that mean "the port of this service", because the caller named none. */
const DEFAULT_PORTS = new Set([0, 80, 443]);

/** Instances come and go for as long as a process lives: from here on those without requests are forgotten. */
const MOST_IDLE = 1000;

interface Load {
  inFlight: number;
}

/** Picks an instance: of two drawn at random, the one with fewer requests in flight (power of two choices). */
export class Picker {
  readonly #random: Random;
  /** By instance id. A counter stays when it is back at zero, because the next request is near. */
  readonly #loads = new Map<string, Load>();

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
    return this.#load(second).inFlight < this.#load(first).inFlight ? second : first;
  }

  started(endpoint: MeshEndpoint): void {
    this.#load(endpoint).inFlight += 1;
  }

  finished(endpoint: MeshEndpoint): void {
    this.#load(endpoint).inFlight -= 1;
  }

  #load({ instanceId }: MeshEndpoint): Load {
    const known = this.#loads.get(instanceId);
    if (known !== undefined) return known;
    if (this.#loads.size >= MOST_IDLE) this.#forgetIdle();
    const load = { inFlight: 0 };
    this.#loads.set(instanceId, load);
    return load;
  }

  #forgetIdle(): void {
    for (const [instanceId, { inFlight }] of this.#loads) if (inFlight <= 0) this.#loads.delete(instanceId);
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
