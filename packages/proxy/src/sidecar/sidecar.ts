import { randomUUID } from 'node:crypto';

import { startDataPlane } from '@rampart/mesh';
import type { DataPlane, Readiness } from '@rampart/mesh';

import { keepSmall } from '../memory/unused-memory.ts';
import { CaptureDoors } from './capture-doors.ts';
import { InboundWay } from './inbound-way.ts';
import { OutboundWay } from './outbound-way.ts';
import type { SidecarConfig, Surroundings } from './sidecar-config.ts';

export interface Sidecar {
  /** Where the mesh calls the application; undefined for one that only calls others. */
  readonly meshPort: number | undefined;
  readonly proxyPort: number;
  readonly socksPort: number | undefined;
  readonly redirectPort: number | undefined;
  readonly dnsPort: number | undefined;
  readonly plane: DataPlane;
  /** Resolves when identity and a first snapshot are there, when there will be none, or after `milliseconds`. */
  whenReady(milliseconds: number): Promise<Readiness>;
  /** Leaves the registry and takes nothing new; resolves when what was under way is over, or after `milliseconds`. */
  drain(milliseconds: number): Promise<void>;
  /** Closes everything; records are handed over within `milliseconds`. */
  stop(milliseconds: number): Promise<void>;
}

/** Opens the ports of a sidecar and puts its parts together. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT */
export async function startSidecar(config: SidecarConfig, surroundings: Surroundings): Promise<Sidecar> {
  const plane = startDataPlane({ ...config, ...surroundings, id: randomUUID(), kind: 'sidecar' });
  try {
    return await open(plane, config, surroundings);
  } catch (cause) {
    await plane.stop(0);
    throw cause;
  }
}

async function open(plane: DataPlane, config: SidecarConfig, surroundings: Surroundings): Promise<Sidecar> {
  const outbound = new OutboundWay(plane, surroundings);
  const doors = await CaptureDoors.open(config, { plane, outbound, ...surroundings });
  const { application } = config;
  const inbound =
    application === undefined
      ? undefined
      : new InboundWay(application, { plane, outbound: outbound.route, surroundings });
  const meshPort = await inbound?.listen().catch(async (cause: unknown) => {
    await doors.close();
    throw cause;
  });
  const stopGivingBack = keepSmall(surroundings.clock, surroundings.log);
  return {
    meshPort,
    proxyPort: doors.proxyPort,
    socksPort: doors.socksPort,
    redirectPort: doors.redirectPort,
    dnsPort: doors.dnsPort,
    plane,
    whenReady: (milliseconds) => plane.whenReady(milliseconds),
    drain: async (milliseconds) => {
      for (const { instanceId } of plane.instances.all) plane.instances.remove(instanceId);
      outbound.drain();
      await inbound?.drain(milliseconds);
    },
    stop: async (milliseconds) => {
      stopGivingBack();
      inbound?.close();
      await doors.close();
      outbound.close();
      await plane.stop(milliseconds);
    },
  };
}
