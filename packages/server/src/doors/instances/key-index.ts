import type { DiscoveredInstance, Discovery } from '@rampart/registry';
import { FollowedInstances } from '../../registry/followed-instances.ts';

export interface KeyIndexOptions {
  readonly discovery: Discovery;
  /** What an instance can be found by. */
  keysOf(instance: DiscoveredInstance): readonly string[];
}

/** Ids of instances by what they have in common. Nothing is kept before the first question; from then on it follows the changes. */
export class KeyIndex {
  readonly #options: KeyIndexOptions;
  readonly #followed: FollowedInstances;
  readonly #ids = new Map<string, Set<string>>();
  readonly #keys = new Map<string, readonly string[]>();

  constructor(options: KeyIndexOptions) {
    this.#options = options;
    this.#followed = new FollowedInstances(options.discovery, {
      clear: () => {
        this.#ids.clear();
        this.#keys.clear();
      },
      put: (instance) => this.#put(instance),
      drop: (instanceId) => this.#drop(instanceId),
    });
  }

  /** In the order in which they got the key. */
  get(key: string): readonly string[] {
    this.#followed.catchUp();
    return [...(this.#ids.get(key) ?? [])];
  }

  /** In no particular order. */
  keys(): readonly string[] {
    this.#followed.catchUp();
    return [...this.#ids.keys()];
  }

  close(): void {
    this.#followed.close();
  }

  #put(instance: DiscoveredInstance): void {
    const { instanceId } = instance;
    const keys = this.#options.keysOf(instance);
    const before = this.#keys.get(instanceId);
    if (before !== undefined && before.length === keys.length && before.every((key, index) => key === keys[index]))
      return;
    this.#drop(instanceId);
    this.#keys.set(instanceId, keys);
    for (const key of keys) {
      const ids = this.#ids.get(key) ?? new Set();
      ids.add(instanceId);
      this.#ids.set(key, ids);
    }
  }

  #drop(instanceId: string): void {
    for (const key of this.#keys.get(instanceId) ?? []) {
      const ids = this.#ids.get(key);
      ids?.delete(instanceId);
      if (ids?.size === 0) this.#ids.delete(key);
    }
    this.#keys.delete(instanceId);
  }
}
