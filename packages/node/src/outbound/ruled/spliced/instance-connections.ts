import type { Outbound, Target } from '@rampart/mesh';

import type { LoopHold } from '../loop-hold.ts';
import { InstanceConnection } from './instance-connection.ts';
import type { ConnectionKeeper } from './instance-connection.ts';

/** Idle ones to each instance, as Node's own agents keep. */
const MOST_IDLE = 256;
const MILLISECONDS = 1000;

export interface InstanceConnectionsOptions {
  readonly outbound: Pick<Outbound, 'dial'>;
  readonly hold: LoopHold;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/** Connections to instances that requests under rules are sent on, kept for the next ones. */
export class InstanceConnections implements ConnectionKeeper {
  readonly hold: LoopHold;
  readonly #options: InstanceConnectionsOptions;
  readonly #idle = new Map<string, InstanceConnection[]>();
  readonly #live = new Set<InstanceConnection>();

  constructor(options: InstanceConnectionsOptions) {
    this.#options = options;
    this.hold = options.hold;
  }

  /** One that nobody uses. Throws where none can be opened: without an identity. */
  to(target: Target): InstanceConnection {
    const { instanceId } = target.endpoint;
    const idle = this.#idle.get(instanceId);
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      const { keptUntil } = kept;
      if (kept.isUsable && (keptUntil === Number.POSITIVE_INFINITY || keptUntil > this.#options.now())) return kept;
      kept.destroy();
    }
    const opened = new InstanceConnection(this.#options.outbound.dial(target), instanceId, this);
    this.#live.add(opened);
    return opened;
  }

  /** Idle ones that are not kept end now, those in use after what they are used for. */
  retire(keep: (instanceId: string) => boolean): void {
    for (const connection of this.#live) if (!keep(connection.instanceId)) connection.isRetired = true;
    for (const [instanceId, idle] of this.#idle) {
      if (keep(instanceId)) continue;
      this.#idle.delete(instanceId);
      for (const connection of idle) connection.destroy();
    }
  }

  keep(connection: InstanceConnection, seconds: number | undefined): void {
    // A second earlier, so that no request meets it on its way to the end.
    if (seconds !== undefined) connection.keptUntil = this.#options.now() + (seconds - 1) * MILLISECONDS;
    let idle = this.#idle.get(connection.instanceId);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(connection.instanceId, idle);
    }
    if (idle.length < MOST_IDLE) idle.push(connection);
    else connection.destroy();
  }

  gone(connection: InstanceConnection): void {
    this.#live.delete(connection);
    const idle = this.#idle.get(connection.instanceId);
    const at = idle?.indexOf(connection) ?? -1;
    if (at !== -1) idle?.splice(at, 1);
    if (idle?.length === 0) this.#idle.delete(connection.instanceId);
  }
}
