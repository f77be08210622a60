import type {
  Collected,
  LeaseAnswer,
  LeaseQuestion,
  LocalInstance,
  LogLevel,
  MetricFamily,
  NonceAnswer,
  NonceQuestion,
  PortableUpdate,
  SharedState,
  TrafficStanding,
} from '@rampart/mesh';

import type { SidecarPlaces } from '../sidecar/sidecar-config.ts';
import type { ListeningPlace } from '../stream/listen.ts';
import type { Opening } from './shared-doors.ts';

/** Ports of a sidecar. */
export interface OpenPorts {
  readonly meshPort: number | undefined;
  readonly proxyPort: number;
  readonly socksPort: number | undefined;
  readonly redirectPort: number | undefined;
  readonly dnsPort: number | undefined;
}

/** All that a process needs to serve as one of those of a sidecar. */
export interface WorkerStart {
  readonly places: SidecarPlaces;
  readonly isCounted: boolean;
  readonly rootNamespace: string;
  readonly state: SharedState;
  readonly logLevel: LogLevel;
  readonly version: string;
}

/** What the process that leads tells those that serve, over the pipe that Node opens between them. */
export type ToWorker =
  | ({ readonly kind: 'start' } & WorkerStart)
  | { readonly kind: 'member'; readonly member: NonNullable<SharedState['member']> }
  | { readonly kind: 'update'; readonly update: PortableUpdate }
  | LeaseAnswer
  | NonceAnswer
  /** Asks what it has counted. */
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'opening'; readonly door: string; readonly opening: Opening }
  /** With the socket beside it. */
  | { readonly kind: 'connection'; readonly door: string }
  | { readonly kind: 'drain'; readonly milliseconds: number }
  | { readonly kind: 'stop' };

export type FromWorker =
  /** It can be told where to start. */
  | { readonly kind: 'up' }
  | { readonly kind: 'open'; readonly door: string; readonly place: ListeningPlace }
  /** The connection that was handed over has arrived. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'opened'; readonly ports: OpenPorts }
  /** It serves an instance, or does not any more: the one that leads has what they serve registered once. */
  | { readonly kind: 'instance'; readonly instance: LocalInstance; readonly isThere: boolean }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** What it gives no requests to, whenever that changes. */
  | { readonly kind: 'standing'; readonly standing: TrafficStanding }
  | { readonly kind: 'records'; readonly collected: Collected }
  | LeaseQuestion
  | NonceQuestion
  | { readonly kind: 'counted'; readonly id: number; readonly families: readonly MetricFamily[] }
  | { readonly kind: 'drained' }
  /** Nothing comes after it. */
  | { readonly kind: 'over' };
