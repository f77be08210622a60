import { WITHDRAWAL_MS } from '@rampart/mesh';
import type { DataPlane } from '@rampart/mesh';

import { systemClock } from './clock.ts';
import { watchEndSignals } from './end-signals.ts';
import type { Ports } from './inbound/ports.ts';
import type { Tenants } from './workers/tenants.ts';

const DRAIN_MS = 10_000;
const FLUSH_MS = 2_000;
/** Without a new connection, after which no caller is taken to be left who does not know that this process leaves. */
const QUIET_MS = 500;

export interface Lifecycle {
  /** True once this process, or this thread, is going away. */
  readonly draining: boolean;
  /** Leaves the registry and finishes what was begun; for a worker whose parent goes away. */
  leave(): Promise<void>;
}

export interface LifecycleOptions {
  readonly host: NodeJS.Process;
  readonly plane: DataPlane;
  readonly ports: () => Ports;
  readonly tenants: Tenants;
  /** Called when this process begins to go away, before its servers close. */
  readonly leaving: () => void;
}

/**
 * Leaves the mesh in order: out of the registry at once, requests in flight finished, telemetry flushed.
 * An application that handles the signal itself keeps its own way of ending, and hears of it when the registry has let go.
 */
export function watchLifecycle({ host, plane, ports, tenants, leaving }: LifecycleOptions): Lifecycle {
  let draining = false;
  const withdraw = (): void => {
    draining = true;
    ports().withdraw();
    tenants.withdraw();
    leaving();
  };
  watchEndSignals(host, {
    first: (signal, isHandled) => {
      withdraw();
      if (!isHandled) {
        void holding(drain(plane, ports(), tenants)).then(() => host.kill(host.pid, signal));
        return undefined;
      }
      void plane.telemetry.drain(FLUSH_MS);
      return plane.instances.isLeaving ? holding(plane.instances.whenWithdrawn(systemClock, WITHDRAWAL_MS)) : undefined;
    },
  });
  host.on('exit', () => plane.telemetry.spoolSync());
  return {
    get draining() {
      return draining;
    },
    leave: () => {
      withdraw();
      return holding(drain(plane, ports(), tenants));
    },
  };
}

/** Hands over what was recorded. Holds the process for as long as that takes: a server that has closed is often its last act. */
export function flush(plane: DataPlane): void {
  // Without an identity there is neither a way to the control plane nor a spool.
  if (plane.workload() === undefined) return;
  const withdrawn = plane.instances.whenWithdrawn(systemClock, WITHDRAWAL_MS);
  void holding(Promise.all([plane.telemetry.drain(FLUSH_MS), withdrawn]));
}

/** Nothing of the mesh keeps a process alive by itself: this does, until `work` is done. */
async function holding(work: Promise<unknown>): Promise<void> {
  const hold = setInterval(() => undefined, DRAIN_MS);
  try {
    await work;
  } finally {
    clearInterval(hold);
  }
}

async function drain(plane: DataPlane, ports: Ports, tenants: Tenants): Promise<void> {
  await plane.instances.whenForgotten(systemClock, WITHDRAWAL_MS);
  await ports.whenQuiet(QUIET_MS, DRAIN_MS / 2);
  const closing = [...ports.servers].map(
    (server) =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        const closeIdle: unknown = Reflect.get(server, 'closeIdleConnections');
        if (typeof closeIdle === 'function') Reflect.apply(closeIdle, server, []);
      }),
  );
  const timer = new Promise<void>((resolve) => {
    setTimeout(resolve, DRAIN_MS).unref();
  });
  await Promise.race([Promise.all([...closing, tenants.leave()]), timer]);
  await plane.stop(FLUSH_MS);
}
