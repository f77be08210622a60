import type { Clock, Random } from '@rampart/core';
import type { ControlPlaneAddress, MeshLog, Stopwatch, WorkloadEvidence } from '@rampart/mesh';

import type { AppProtocol } from '../inbound/mesh-listener.ts';

/** How a sidecar joins the mesh, and what stands behind it. */
export interface SidecarConfig {
  readonly address: ControlPlaneAddress;
  readonly evidence: WorkloadEvidence;
  /** Where records wait while the control plane is away. */
  readonly spoolDirectory: string;
  /** Absent for an application that only calls others. */
  readonly application: Application | undefined;
  /** Where the application finds its HTTP proxy; port 0 takes any. */
  readonly proxy: Place;
}

/** Where an application listens, and where the mesh calls it. */
export interface Application {
  readonly host: string;
  readonly port: number;
  readonly protocol: AppProtocol;
  readonly mesh: Place;
  /** Address in the registry; "" means the one that the control plane sees. */
  readonly instanceHost: string;
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
}
