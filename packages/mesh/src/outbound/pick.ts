import type { Random } from '@rampart/core';

import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { endpointsOn } from './endpoints-on.ts';

/** Instances come and go for as long as a process lives: from here on those without requests are forgotten. */
const MOST_IDLE = 1000;

interface Load {
  inFlight: number;
}

/** Picks an instance: of two drawn at random, by weight, the one with fewer requests in flight for its weight (power of two choices). */
export class Picker {
  readonly #random: Random;
  /** By instance id. A counter stays when it is back at zero, because the next request is near. */
  readonly #loads = new Map<string, Load>();
  /** Ids of instances where nobody answered lately. */
  readonly #avoided = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Undefined when no instance serves that port. */
  pick(service: MeshService, port: number): MeshEndpoint | undefined {
    const candidates = this.#answering(endpointsOn(service, port));
    if (candidates.length <= 1) return candidates[0];
    const total = totalWeight(candidates);
    const first = this.#draw(candidates, total);
    const second = this.#draw(candidates, total);
    if (first === undefined || second === undefined) return candidates[0];
    return this.#burden(second) < this.#burden(first) ? second : first;
  }

  started(endpoint: MeshEndpoint): void {
    this.#load(endpoint).inFlight += 1;
  }

  finished(endpoint: MeshEndpoint): void {
    this.#load(endpoint).inFlight -= 1;
  }

  /** Nobody answered there: the others are picked while there are any, until it is readmitted. False where that was known. */
  avoid({ instanceId }: MeshEndpoint): boolean {
    if (this.#avoided.has(instanceId)) return false;
    this.#avoided.add(instanceId);
    return true;
  }

  isAvoided({ instanceId }: MeshEndpoint): boolean {
    return this.#avoided.has(instanceId);
  }

  readmit({ instanceId }: MeshEndpoint): void {
    this.#avoided.delete(instanceId);
  }

  #answering(candidates: readonly MeshEndpoint[]): readonly MeshEndpoint[] {
    if (this.#avoided.size === 0 || candidates.length <= 1) return candidates;
    const answering = candidates.filter(({ instanceId }) => !this.#avoided.has(instanceId));
    return answering.length > 0 ? answering : candidates;
  }

  /** An instance at random, each as likely as its weight. */
  #draw(candidates: readonly MeshEndpoint[], total: number): MeshEndpoint | undefined {
    let left = this.#random() * total;
    if (total === candidates.length) return candidates[Math.floor(left)];
    for (const candidate of candidates) {
      left -= candidate.weight ?? 1;
      if (left < 0) return candidate;
    }
    return candidates.at(-1);
  }

  #burden(endpoint: MeshEndpoint): number {
    return this.#load(endpoint).inFlight / (endpoint.weight ?? 1);
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

function totalWeight(candidates: readonly MeshEndpoint[]): number {
  let total = 0;
  for (const { weight = 1 } of candidates) total += weight;
  return total;
}
