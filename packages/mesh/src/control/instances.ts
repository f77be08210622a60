import type { Clock } from '@rampart/core';
import type { RegisterInstance } from '@rampart/wire/control';

/** A port of this workload that serves, as the registry should know it. */
export interface LocalInstance {
  readonly instanceId: string;
  /** "" means "the address the control stream comes from". */
  readonly host: string;
  readonly port: number;
  readonly protocol: InstanceProtocol;
  readonly traits?: InstanceTraits;
}

/** What a port speaks, by Istio's names of protocols. */
export type InstanceProtocol = 'http' | 'http2' | 'grpc' | 'tcp';

/** What an instance says of itself beyond where it is; the registry judges the values. */
export type InstanceTraits = Partial<Omit<RegisterInstance, 'instanceId' | 'host' | 'port' | 'protocol'>>;

/** Where the registry has it and is there, it answers, on a busy machine not at once: who closes before that still has callers. */
const BUSY_REGISTRY_MS = 5000;
/** Data planes hear of a change within a few milliseconds of each other; this is for those on busy machines. */
const LAST_CALLERS_MS = 500;

/** What this workload serves. The control stream repeats it on every reconnect. */
export class LocalInstances {
  readonly #instances = new Map<string, LocalInstance>();
  readonly #leaving = new Set<string>();
  readonly #waiting = new Set<() => void>();
  /** What those are called in the registry that somebody else registered there. */
  readonly #names = new Map<string, string>();
  readonly #isRegistered: (instanceId: string) => boolean;
  #changed: ((instance: LocalInstance, present: boolean) => void) | undefined;

  /** @param isRegistered whether callers are told of an instance, as far as is known here */
  constructor(isRegistered: (instanceId: string) => boolean = () => false) {
    this.#isRegistered = isRegistered;
  }

  get all(): readonly LocalInstance[] {
    return [...this.#instances.values()];
  }

  add(instance: LocalInstance): void {
    this.#instances.set(instance.instanceId, instance);
    this.#changed?.(instance, true);
  }

  remove(instanceId: string): void {
    const known = this.#names.get(instanceId) ?? instanceId;
    const instance = this.#instances.get(known);
    if (instance === undefined) return;
    this.#instances.delete(known);
    this.#names.delete(instanceId);
    this.#leaving.add(known);
    this.#changed?.({ ...instance, instanceId }, false);
  }

  /** Somebody else stands for it in the registry, under another id. It is removed by the id that it was added with. */
  rename(instanceId: string, registered: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined || instanceId === registered) return;
    this.#instances.delete(instanceId);
    this.#instances.set(registered, { ...instance, instanceId: registered });
    this.#names.set(instanceId, registered);
  }

  /** These are in the registry no more. */
  confirm(gone: ReadonlySet<string>): void {
    for (const instanceId of gone) this.#leaving.delete(instanceId);
    if (this.#leaving.size === 0) for (const done of this.#waiting) done();
  }

  /** Whether the registry has not let go yet of something that was removed. */
  get isLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  /** Resolves when the registry has let go of everything that was removed, or after `milliseconds`. */
  whenWithdrawn(clock: Clock, milliseconds: number): Promise<void> {
    if (this.#leaving.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = clock.after(milliseconds, done);
      this.#waiting.add(done);
    });
  }

  /** The same, and callers have had the time to hear of it: what closes its port before that turns the last of them away. */
  async whenForgotten(clock: Clock, milliseconds: number): Promise<void> {
    if (this.#leaving.size === 0) return;
    const isAwaited = this.#changed !== undefined && [...this.#leaving].some(this.#isRegistered);
    await this.whenWithdrawn(clock, isAwaited ? Math.max(milliseconds, BUSY_REGISTRY_MS) : milliseconds);
    await new Promise<void>((resolve) => {
      clock.after(LAST_CALLERS_MS, resolve);
    });
    // What the registry never knew is not waited for twice.
    this.#leaving.clear();
  }

  /** One observer: the control stream that is up. */
  observe(changed: ((instance: LocalInstance, present: boolean) => void) | undefined): void {
    this.#changed = changed;
  }
}
