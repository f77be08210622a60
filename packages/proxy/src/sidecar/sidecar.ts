import { randomUUID } from 'node:crypto';

import { expositionText, startDataPlane, TrafficMetrics, WITHDRAWAL_MS } from '@rampart/mesh';
import type { DataPlane, OperationsDoor, Readiness } from '@rampart/mesh';

import { keepSmall } from '../memory/unused-memory.ts';
import { CaptureDoors } from './capture-doors.ts';
import { InboundWay } from './inbound-way.ts';
import { OutboundWay } from './outbound-way.ts';
import type { SidecarConfig, Surroundings } from './sidecar-config.ts';
import { openSidecarMetrics, ownFamilies } from './sidecar-metrics.ts';

export interface Sidecar {
  /** Where the mesh calls the application; undefined for one that only calls others. */
  readonly meshPort: number | undefined;
  readonly proxyPort: number;
  readonly socksPort: number | undefined;
  readonly redirectPort: number | undefined;
  readonly dnsPort: number | undefined;
  readonly metricsPort: number | undefined;
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
  const metrics = config.metrics === undefined ? undefined : new TrafficMetrics();
  const plane = startDataPlane({ ...config, ...surroundings, metrics, id: randomUUID(), kind: 'sidecar' });
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
  const operations = await openOperations(config, plane, { inbound, outbound }).catch(async (cause: unknown) => {
    inbound?.close();
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
    metricsPort: operations?.port,
    plane,
    whenReady: (milliseconds) => plane.whenReady(milliseconds),
    drain: async (milliseconds) => {
      inbound?.withdraw();
      outbound.drain();
      await plane.instances.whenForgotten(surroundings.clock, WITHDRAWAL_MS);
      await inbound?.drain(milliseconds);
    },
    stop: async (milliseconds) => {
      stopGivingBack();
      inbound?.close();
      await doors.close();
      outbound.close();
      await plane.stop(milliseconds);
      operations?.close();
    },
  };
}

/** Ways of a sidecar. */
interface Ways {
  readonly inbound: InboundWay | undefined;
  readonly outbound: OutboundWay;
}

const NONE = { connections: 0, links: 0, linkStreams: 0 };

async function openOperations(
  { metrics: place }: SidecarConfig,
  plane: DataPlane,
  { inbound, outbound }: Ways,
): Promise<OperationsDoor | undefined> {
  const { metrics } = plane;
  if (place === undefined || metrics === undefined) return undefined;
  const measured = { plane, metrics, inbound: () => inbound?.ways ?? NONE, outbound: () => outbound.ways };
  return openSidecarMetrics(place, plane, () => expositionText(ownFamilies(measured)));
}
