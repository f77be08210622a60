import { gauge, openOperationsDoor, processFamilies, trafficFamilies } from '@rampart/mesh';
import type { DataPlane, MetricFamily, OperationsDoor, TrafficMetrics } from '@rampart/mesh';

import type { LinkSession } from '../link/link-session.ts';
import type { Place } from './sidecar-config.ts';

/** What is open in one direction. */
export interface OpenWays {
  /** From applications, or from callers, each stream of a link counted as one. */
  readonly connections: number;
  /** To other proxies, or from them. */
  readonly links: number;
  readonly linkStreams: number;
}

export function countLinks(links: Iterable<LinkSession>): Pick<OpenWays, 'links' | 'linkStreams'> {
  const all = [...links];
  return { links: all.length, linkStreams: all.reduce((sum, { streams }) => sum + streams, 0) };
}

export interface MeasuredSidecar {
  readonly metrics: TrafficMetrics;
  inbound(): OpenWays;
  outbound(): OpenWays;
}

/** What one process of a sidecar counts. Where there are several, the sums are true of all of them. */
export function sidecarFamilies({ metrics, inbound, outbound }: MeasuredSidecar): readonly MetricFamily[] {
  const ways = [
    ['direction="inbound"', inbound()],
    ['direction="outbound"', outbound()],
  ] as const;
  const open = (name: string, help: string, of: (ways: OpenWays) => number): MetricFamily => ({
    name,
    type: 'gauge',
    help,
    samples: ways.map(([labels, each]) => ['', labels, of(each)]),
  });
  return [
    ...trafficFamilies(metrics),
    open('rampart_connections', 'Open connections, and streams of links.', ({ connections }) => connections),
    open('rampart_links', 'Open links between proxies.', ({ links }) => links),
    open('rampart_link_streams', 'Open streams of links.', ({ linkStreams }) => linkStreams),
    gauge('rampart_processes', 'Processes that serve.', 1),
    ...processFamilies(process),
  ];
}

/** Opens the door that metrics and health are asked at. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT */
export function openSidecarMetrics(
  place: Place,
  { view }: Pick<DataPlane, 'view'>,
  text: () => string | Promise<string>,
): Promise<OperationsDoor> {
  return openOperationsDoor({ ...place, metrics: text, isReady: () => view.ready });
}
