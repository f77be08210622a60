import type { Target } from '@rampart/mesh';

import type { LinkSession } from '../link/link-session.ts';
import { Instance } from './instance.ts';
import type { InstanceOptions } from './instance.ts';

/** The instances of other services that this sidecar has connections to. */
export class Instances {
  readonly #options: InstanceOptions;
  readonly #instances = new Map<string, Instance>();

  constructor(options: InstanceOptions) {
    this.#options = options;
  }

  of(target: Target): Instance {
    const { instanceId } = target.endpoint;
    const known = this.#instances.get(instanceId);
    if (known !== undefined && known.target.endpoint.address === target.endpoint.address) return known;
    known?.retire(true);
    const instance = new Instance(target, this.#options);
    this.#instances.set(instanceId, instance);
    return instance;
  }

  /** Links that are open. */
  get links(): readonly LinkSession[] {
    return [...this.#instances.values()].flatMap(({ links }) => [...links]);
  }

  close(): void {
    for (const instance of this.#instances.values()) instance.close();
    this.#instances.clear();
  }

  /** Lets connections go, of all instances or of those that are gone; soon, where they are gone or it `isUrgent`. */
  retire(gone?: ReadonlySet<string>, isUrgent: boolean = gone !== undefined): void {
    for (const [instanceId, instance] of this.#instances) {
      if (gone !== undefined && !gone.has(instanceId)) continue;
      instance.retire(isUrgent);
      this.#instances.delete(instanceId);
    }
  }
}
