/** A port of this workload that serves, as the registry should know it. */
export interface LocalInstance {
  readonly instanceId: string;
  /** "" means "the address the control stream comes from". */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'http';
}

/** What this workload serves. The control stream repeats it on every reconnect. */
export class LocalInstances {
  readonly #instances = new Map<string, LocalInstance>();
  #changed: ((instance: LocalInstance, present: boolean) => void) | undefined;

  get all(): readonly LocalInstance[] {
    return [...this.#instances.values()];
  }

  add(instance: LocalInstance): void {
    this.#instances.set(instance.instanceId, instance);
    this.#changed?.(instance, true);
  }

  remove(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return;
    this.#instances.delete(instanceId);
    this.#changed?.(instance, false);
  }

  /** One observer: the control stream that is up. */
  observe(changed: ((instance: LocalInstance, present: boolean) => void) | undefined): void {
    this.#changed = changed;
  }
}
