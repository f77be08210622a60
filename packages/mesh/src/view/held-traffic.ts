import { compileTraffic, isTraffic, isTrafficKind, noTraffic } from '@rampart/core';
import type { Resource, TrafficResource, TrafficRules, WorkloadRef } from '@rampart/core';

type Entry = readonly [key: string, resource: Resource | string | undefined];

const MESH_CONFIG = 'MeshConfig';

/** Whether a resource, by its key, says where calls go and nothing of who may come in. */
export function isTrafficKey(key: string): boolean {
  return isTrafficKind(kindOf(key));
}

/**
 * Rules about calls as they were last understood. One that cannot be read leaves its predecessor in force: to drop it would send
 * calls elsewhere, and to deny them all would make a rule about one service an outage of every other.
 */
export class HeldTraffic {
  readonly #rootNamespace: string;
  readonly #held = new Map<string, TrafficResource>();
  readonly #unreadable = new Map<string, string>();
  #config: Resource | string | undefined;
  #rules: TrafficRules = noTraffic('ALLOW_ANY');

  constructor(rootNamespace: string) {
    this.#rootNamespace = rootNamespace;
  }

  /** Compiled once for each change; the same object until the next one. */
  get rules(): TrafficRules {
    return this.#rules;
  }

  /** Rules that cannot be read, each with the reason. */
  get problems(): readonly string[] {
    return [...this.#unreadable].map(([key, problem]) => `${key}: ${problem}`);
  }

  /** Takes what of an update is about calls. Returns whether there is any. */
  take({ reset, resources }: { readonly reset: boolean; readonly resources: readonly Entry[] }): boolean {
    if (reset) this.#forgetAllBut(resources);
    let changed = reset;
    for (const [key, resource] of resources) {
      if (isTrafficKey(key)) this.#take(key, resource);
      else if (kindOf(key) === MESH_CONFIG) this.#config = resource;
      else continue;
      changed = true;
    }
    return changed;
  }

  /** What stands for a rule whose newest form cannot be read. */
  standing(key: string): Resource | undefined {
    return this.#unreadable.has(key) ? this.#held.get(key) : undefined;
  }

  compileFor(workload: WorkloadRef): void {
    const config = this.#config;
    const resources = [...this.#held.values(), ...(typeof config === 'object' ? [config] : [])];
    this.#rules = compileTraffic({
      workload,
      resources,
      rootNamespace: this.#rootNamespace,
      // What the mesh says of hosts outside it is not known: those that are named are the ones that are surely meant.
      ...(typeof config === 'string' ? { outbound: 'REGISTRY_ONLY' } : {}),
    });
  }

  #take(key: string, resource: Resource | string | undefined): void {
    this.#unreadable.delete(key);
    if (resource === undefined) this.#held.delete(key);
    else if (typeof resource === 'string') this.#unreadable.set(key, resource);
    else if (isTraffic(resource)) this.#held.set(key, resource);
  }

  #forgetAllBut(resources: readonly Entry[]): void {
    const named = new Set(resources.map(([key]) => key));
    for (const key of this.#held.keys()) if (!named.has(key)) this.#held.delete(key);
    this.#unreadable.clear();
    this.#config = undefined;
  }
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
