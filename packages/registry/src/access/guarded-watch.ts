import type { DiscoveredInstance, InstanceChange, ServiceKey, Watch, WatchEvent } from '../discovery/discovery.ts';

export interface WatchGuard {
  mayKnow(service: ServiceKey): boolean;
  /** What may be shown of an instance; itself where that is all of it. */
  visible(instance: DiscoveredInstance): DiscoveredInstance;
  /** Whether what is in force is what was in force when the watch began. */
  isPolicyOf(): boolean;
  /** Of the registry, now. */
  revision(): number;
  /** Ends what wakes the watch when rules change. */
  forget(): void;
}

/**
 * A watch that tells only what its caller may know. When rules change it ends, as where history is compacted: whoever watches
 * begins again, and is told what he may know now.
 */
export class GuardedWatch implements Watch {
  readonly #watch: Watch;
  readonly #guard: WatchGuard;

  constructor(watch: Watch, guard: WatchGuard) {
    this.#watch = watch;
    this.#guard = guard;
  }

  poll(): WatchEvent | undefined {
    if (!this.#guard.isPolicyOf()) return { kind: 'compacted', oldest: this.#guard.revision(), by: 'rules' };
    for (let event = this.#watch.poll(); event !== undefined; event = this.#watch.poll()) {
      const told = this.#told(event);
      if (told !== undefined) return told;
    }
    return undefined;
  }

  bookmark(): WatchEvent | undefined {
    return this.#guard.isPolicyOf() ? this.#watch.bookmark() : undefined;
  }

  close(): void {
    this.#guard.forget();
    this.#watch.close();
  }

  #told(event: WatchEvent): WatchEvent | undefined {
    if (event.kind === 'state') {
      const known = event.instances.filter((instance) => this.#guard.mayKnow(instance));
      return { ...event, instances: known.map((instance) => this.#guard.visible(instance)) };
    }
    if (event.kind !== 'changes') return event;
    const changes = event.changes
      .filter((change) => this.#guard.mayKnow(serviceOf(change)))
      .map((change) => this.#shown(change));
    return changes.length === 0 ? undefined : { ...event, changes };
  }

  #shown(change: InstanceChange): InstanceChange {
    const before = change.kind === 'put' ? change.current : change.last;
    const visible = this.#guard.visible(before);
    if (visible === before) return change;
    return change.kind === 'put' ? { ...change, current: visible } : { ...change, last: visible };
  }
}

function serviceOf(change: InstanceChange): ServiceKey {
  return change.kind === 'put' ? change.current : change.last;
}
