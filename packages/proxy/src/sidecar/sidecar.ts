import { randomUUID } from 'node:crypto';

import {
  expositionText,
  limitFamilies,
  planeFamilies,
  startDataPlane,
  TrafficMetrics,
  WITHDRAWAL_MS,
} from '@rampart/mesh';
import type { DataPlane, MetricFamily, Readiness } from '@rampart/mesh';

import { keepSmall } from '../memory/unused-memory.ts';
import { CaptureDoors } from './capture-doors.ts';
import { InboundWay } from './inbound-way.ts';
import { OutboundWay } from './outbound-way.ts';
import type { SidecarConfig, SidecarPlaces, Surroundings } from './sidecar-config.ts';
import { openSidecarMetrics, sidecarFamilies } from './sidecar-metrics.ts';

/** What serves, wherever its identity and its policies come from. */
export interface OpenSidecar {
  /** Where the mesh calls the application; undefined for one that only calls others. */
  readonly meshPort: number | undefined;
  readonly proxyPort: number;
  readonly socksPort: number | undefined;
  readonly redirectPort: number | undefined;
  readonly dnsPort: number | undefined;
  readonly plane: DataPlane;
  /** What it has counted; nothing where the plane counts nothing. */
  families(): readonly MetricFamily[];
  /** Leaves the registry and takes nothing new; resolves when what was under way is over, or after `milliseconds`. */
  drain(milliseconds: number): Promise<void>;
  /** Closes everything; records are handed over within `milliseconds`. */
  stop(milliseconds: number): Promise<void>;
}

export interface Sidecar extends Omit<OpenSidecar, 'families'> {
  readonly metricsPort: number | undefined;
  /** Resolves when identity and a first snapshot are there, when there will be none, or after `milliseconds`. */
  whenReady(milliseconds: number): Promise<Readiness>;
}

/** Opens the ports of a sidecar and puts its parts together. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT */
export async function startSidecar(config: SidecarConfig, surroundings: Surroundings): Promise<Sidecar> {
  const metrics = config.metrics === undefined ? undefined : new TrafficMetrics();
  const plane = startDataPlane({ ...config, ...surroundings, metrics, id: randomUUID(), kind: 'sidecar' });
  let sidecar: OpenSidecar | undefined;
  try {
    const open = await openSidecar(plane, config, surroundings);
    sidecar = open;
    const text = (): string => expositionText([...open.families(), ...planeFamilies(plane)]);
    const operations = config.metrics === undefined ? undefined : await openSidecarMetrics(config.metrics, plane, text);
    return {
      ...open,
      metricsPort: operations?.port,
      whenReady: (milliseconds) => plane.whenReady(milliseconds),
      stop: async (milliseconds) => {
        await open.stop(milliseconds);
        operations?.close();
      },
    };
  } catch (cause) {
    await (sidecar ?? plane).stop(0);
    throw cause;
  }
}

const NONE = { connections: 0, links: 0, linkStreams: 0 };

/** Opens ports for a data plane that is there. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT */
export async function openSidecar(
  plane: DataPlane,
  places: SidecarPlaces,
  surroundings: Surroundings,
): Promise<OpenSidecar> {
  const outbound = new OutboundWay(plane, { ...surroundings, onlyLeaves: places.egressGateway === true });
  const doors = await CaptureDoors.open(places, { plane, outbound, ...surroundings });
  const application = applicationOf(places, doors.proxyPort);
  let inbound: InboundWay | undefined;
  let meshPort: number | undefined;
  try {
    if (application !== undefined)
      inbound = new InboundWay(application, { plane, outbound: outbound.route, surroundings });
    meshPort = await inbound?.listen();
  } catch (cause) {
    inbound?.close();
    await doors.close();
    throw cause;
  }
  const { metrics } = plane;
  const ways = { inbound: () => inbound?.ways ?? NONE, outbound: () => outbound.ways };
  const stopGivingBack = keepSmall(surroundings.clock, surroundings.log);
  return {
    meshPort,
    proxyPort: doors.proxyPort,
    socksPort: doors.socksPort,
    redirectPort: doors.redirectPort,
    dnsPort: doors.dnsPort,
    plane,
    families: () =>
      metrics === undefined ? [] : [...sidecarFamilies({ metrics, ...ways }), ...limitFamilies(plane.limits)],
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
    },
  };
}

/** What stands behind an egress gateway is its own way out. */
function applicationOf({ application, egressGateway }: SidecarPlaces, proxyPort: number): SidecarPlaces['application'] {
  return egressGateway === true && application !== undefined ? { ...application, port: proxyPort } : application;
}
