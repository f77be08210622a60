import type { Clock, Random } from '@rampart/core';
import type { ControlPlaneAddress, InstanceTraits, MeshLog, Stopwatch, WorkloadEvidence } from '@rampart/mesh';

import type { Upstream } from '../capture/names/upstream.ts';
import type { AppProtocol } from '../inbound/mesh-listener.ts';
import type { Listen } from '../stream/listen.ts';
import type { ProxyProtocolVersion } from '../tcp/application.ts';

/** How a sidecar joins the mesh, and what stands behind it. */
export interface SidecarConfig extends SidecarPlaces {
  readonly address: ControlPlaneAddress;
  readonly evidence: WorkloadEvidence;
  /** Where records wait while the control plane is away. */
  readonly spoolDirectory: string;
  /** Where metrics and health are asked; nothing is counted without. */
  readonly metrics?: Place;
}

/** Where a sidecar listens, and what stands behind it: plain values that can be cloned. */
export interface SidecarPlaces {
  /** Absent for an application that only calls others. */
  readonly application: Application | undefined;
  /** The application is this sidecar's own way out: callers' requests leave the mesh here, and none goes back into it. */
  readonly egressGateway?: boolean;
  /** Where the application finds its HTTP proxy; port 0 takes any. */
  readonly proxy: Place;
  /** Where it finds a SOCKS 5 proxy, if anywhere. */
  readonly socks?: Place;
  /** Where the system brings connections that it has redirected, on loopback, if anywhere. */
  readonly redirect?: { readonly port: number };
  /** Names of services lead to addresses of this host's loopback, for applications that know of no proxy. */
  readonly names?: Names;
}

/** The sidecar's DNS, on loopback. */
export interface Names {
  /** UDP and TCP; 0 takes any. */
  readonly port: number;
  /** Who knows all other names. */
  readonly forwardTo: readonly Upstream[];
  /** Different for each sidecar of a host, so that they take different addresses. */
  readonly seed: string;
  /** Where addresses are kept over restarts. */
  readonly addressFile: string;
}

/** Where an application listens, and where the mesh calls it. */
export interface Application {
  readonly host: string;
  readonly port: number;
  readonly protocol: AppProtocol;
  readonly mesh: Place;
  /** Address in the registry; "" means the one that the control plane sees. */
  readonly instanceHost: string;
  /** What its instance says of itself. */
  readonly traits: InstanceTraits;
  /** Addresses and CIDR blocks of load balancers in front of `mesh`, which tell by the PROXY protocol whose connections they bring. */
  readonly loadBalancers?: readonly string[];
  /** Has connections to the application begin with whose they are. */
  readonly proxyProtocol?: ProxyProtocolVersion;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a sidecar has of its process. */
export interface Surroundings {
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly random: Random;
  readonly log: MeshLog;
  readonly pid: number;
  readonly version: string;
  /** Absent in a process that opens its ports itself. */
  readonly listen?: Listen;
}
