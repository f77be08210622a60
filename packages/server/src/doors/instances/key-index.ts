import type { DiscoveredInstance, Discovery, Watch, WatchEvent } from '@rampart/registry';

export interface KeyIndexOptions {
  readonly discovery: Discovery;
  /** What an instance can be found by. */
  keysOf(instance: DiscoveredInstance): readonly string[];
}

/** Ids of instances by what they have in common. Nothing is kept before the first question; from then on it follows the changes. */
export class KeyIndex {
  readonly #options: KeyIndexOptions;
  #watch: Watch | undefined;
  readonly #ids = new Map<string, Set<string>>();
  readonly #keys = new Map<string, readonly string[]>();

  constructor(options: KeyIndexOptions) {
    this.#options = options;
  }

  /** In the order in which they got the key. */
  get(key: string): readonly string[] {
    this.#follow();
    return [...(this.#ids.get(key) ?? [])];
  }

  /** In no particular order. */
  keys(): readonly string[] {
    this.#follow();
    return [...this.#ids.keys()];
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #follow(): void {
    this.#watch ??= this.#begin();
    for (let event = this.#watch.poll(); event !== undefined; event = this.#watch.poll()) {
      if (event.kind === 'compacted') {
        this.#watch.close();
        this.#watch = this.#begin();
      } else this.#take(event);
    }
  }

  #begin(): Watch {
    this.#ids.clear();
    this.#keys.clear();
    // Taken on its own turn: whoever is waked is in the middle of a change.
    const opened = this.#options.discovery.watch('all', () => queueMicrotask(() => this.#catchUp()));
    if (!opened.ok) throw new Error('BUG: a watch from the beginning was refused');
    return opened.value;
  }

  #catchUp(): void {
    if (this.#watch !== undefined) this.#follow();
  }

  #take(event: Exclude<WatchEvent, { readonly kind: 'compacted' }>): void {
    if (event.kind === 'state') for (const instance of event.instances) this.#put(instance);
    if (event.kind !== 'changes') return;
    for (const change of event.changes) {
      if (change.kind === 'put') this.#put(change.current);
      else this.#drop(change.last.instanceId);
    }
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
