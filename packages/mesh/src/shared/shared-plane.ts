import { ENFORCED_IN_PROCESS, RampartError } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';

import type { AttestedWorkload } from '../control/attestation.ts';
import { LocalInstances } from '../control/instances.ts';
import type { DataPlane } from '../data-plane.ts';
import { WITHDRAWAL_MS } from '../data-plane.ts';
import { SvidSource } from '../identity/svid-source.ts';
import { Authenticator } from '../inbound/authenticate/authenticator.ts';
import { fetchDocument } from '../inbound/authenticate/keys/document.ts';
import type { Lease } from '../inbound/limit/shared/lease.ts';
import { RequestLimits } from '../inbound/limit/request-limits.ts';
import type { Nonces } from '../inbound/signature/nonces.ts';
import { RequestSignatures } from '../inbound/signature/request-signatures.ts';
import type { MeshLog } from '../log.ts';
import type { TrafficMetrics } from '../metrics/traffic-metrics.ts';
import { Picker } from '../outbound/pick.ts';
import type { Collected } from '../telemetry/batch.ts';
import type { StandingReport } from '../traffic/standing/standing.ts';
import { MeshView } from '../view/mesh-view.ts';
import { portableSvid, portableUpdate, readSvid, readUpdate } from './portable.ts';
import type { PortableSvid, PortableUpdate } from './portable.ts';
import { RelayedTelemetry } from './relayed-telemetry.ts';

/** What another thread of the process needs to be the same member of the mesh, in plain values that can be cloned. */
export interface SharedState {
  /** Undefined before attestation. */
  readonly member: { readonly svid: PortableSvid; readonly workload: AttestedWorkload } | undefined;
  readonly snapshot: PortableUpdate;
}

export function sharedState(plane: DataPlane): SharedState {
  return { member: memberOf(plane), snapshot: portableUpdate(plane.view.snapshot) };
}

/** Who this process is, for its other threads. */
export function memberOf({ identity, workload }: DataPlane): SharedState['member'] {
  const svid = identity.current;
  const attested = workload();
  return svid === undefined || attested === undefined
    ? undefined
    : { svid: portableSvid(svid), workload: { ...attested, labels: { ...attested.labels } } };
}

export interface SharedPlaneOptions {
  readonly rootNamespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  /** Takes the records of this thread to the one that reports. */
  readonly relay: (collected: Collected) => void;
  /** Gets shares of shared limits from the thread that speaks with the control plane. */
  readonly lease: Lease;
  /** Remembers signatures that came, for all threads of the process. */
  readonly nonces: Nonces;
  /** Is told what this thread gives no requests to, where somebody joins it with the rest. */
  readonly standing?: StandingReport | undefined;
  /** Counts what passes here, where somebody asks for it. */
  readonly metrics?: TrafficMetrics | undefined;
}

/** The data plane of a thread: identity and snapshot are those of the process, and another thread keeps them fresh. */
export interface SharedPlane {
  readonly plane: DataPlane;
  become(member: NonNullable<SharedState['member']>): void;
  apply(update: PortableUpdate): void;
}

export function openSharedPlane(state: SharedState, options: SharedPlaneOptions): SharedPlane {
  const { rootNamespace, clock, random, log, relay, lease, nonces, standing, metrics } = options;
  const elsewhere = (): Promise<never> =>
    Promise.reject(new RampartError('INTERNAL', 'BUG: a thread gets no certificates of its own'));
  const view = new MeshView({ rootNamespace, capabilities: ENFORCED_IN_PROCESS });
  const identity = new SvidSource({ issuer: { attest: elsewhere, renew: elsewhere }, clock, random, log });
  const instances = new LocalInstances();
  view.subscribe(({ gone }) => instances.confirm(gone));
  let workload: AttestedWorkload | undefined;
  const become = (member: NonNullable<SharedState['member']>): void => {
    workload = member.workload;
    view.setWorkload(workload, member.svid.trustDomain);
    identity.take(readSvid(member.svid));
    metrics?.setSelf(workload, member.svid.spiffeId);
  };
  const apply = (update: PortableUpdate): void => void view.apply(readUpdate(update));
  if (state.member !== undefined) become(state.member);
  if (state.snapshot.revision > 0) apply(state.snapshot);
  const telemetry = new RelayedTelemetry({ clock, relay });
  const plane: DataPlane = {
    identity,
    view,
    instances,
    authenticator: new Authenticator({ view, fetch: fetchDocument, clock, random, log }),
    limits: new RequestLimits({ clock, log, lease }),
    signatures: new RequestSignatures({ view, identity, clock, nonces }),
    picker: new Picker(random),
    telemetry,
    standing,
    metrics,
    workload: () => workload,
    vouch: elsewhere,
    whenReady: () => Promise.resolve(view.ready ? 'ready' : 'late'),
    stop: async () => {
      await Promise.all([telemetry.drain(), instances.whenWithdrawn(clock, WITHDRAWAL_MS)]);
      identity.stop();
    },
  };
  return { plane, become, apply };
}
