import type { DiscoveredInstance, Discovery, Watch, WatchEvent } from '@rampart/registry';

/** Keeps something of every instance. */
export interface InstanceKeeper {
  /** Forgets all of them: what there is comes anew. */
  clear(): void;
  put(instance: DiscoveredInstance): void;
  drop(instanceId: string): void;
}

/** Tells a keeper of the instances of the registry: nothing before it is first asked to catch up, from then on every change. */
export class FollowedInstances {
  readonly #discovery: Discovery;
  readonly #keeper: InstanceKeeper;
  #watch: Watch | undefined;

  constructor(discovery: Discovery, keeper: InstanceKeeper) {
    this.#discovery = discovery;
    this.#keeper = keeper;
  }

  /** The keeper knows what there is now. */
  catchUp(): void {
    this.#watch ??= this.#begin();
    for (let event = this.#watch.poll(); event !== undefined; event = this.#watch.poll()) {
      if (event.kind === 'compacted') {
        this.#watch.close();
        this.#watch = this.#begin();
      } else this.#take(event);
    }
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #begin(): Watch {
    this.#keeper.clear();
    // Taken on its own turn: whoever is waked is in the middle of a change.
    const opened = this.#discovery.watch('all', () =>
      queueMicrotask(() => this.#watch !== undefined && this.catchUp()),
    );
    if (!opened.ok) throw new Error('BUG: a watch from the beginning was refused');
    return opened.value;
  }

  #take(event: Exclude<WatchEvent, { readonly kind: 'compacted' }>): void {
    if (event.kind === 'state') for (const instance of event.instances) this.#keeper.put(instance);
    if (event.kind !== 'changes') return;
    for (const change of event.changes) {
      if (change.kind === 'put') this.#keeper.put(change.current);
      else this.#keeper.drop(change.last.instanceId);
    }
  }
}
