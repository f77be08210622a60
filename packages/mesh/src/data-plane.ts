import { ENFORCED_IN_PROCESS, RampartError } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';
import {
  LeaseRequest,
  LeaseResponse,
  TakeNoncesRequest,
  TakeNoncesResponse,
  TelemetryBatch,
} from '@rampart/wire/control';

import { createIssuer, vouchFor } from './control/attestation.ts';
import type { AttestedWorkload } from './control/attestation.ts';
import type { WorkloadEvidence } from './control/evidence.ts';
import type { MethodPath } from './control/connect/channel.ts';
import { ControlClient } from './control/control-client.ts';
import { LocalInstances } from './control/instances.ts';
import type { ControlPlaneAddress } from './control/transport.ts';
import { SvidSource } from './identity/svid-source.ts';
import { Authenticator } from './inbound/authenticate/authenticator.ts';
import { fetchDocument } from './inbound/authenticate/keys/document.ts';
import type { Lease } from './inbound/limit/shared/lease.ts';
import { RequestLimits } from './inbound/limit/request-limits.ts';
import { MeshNonces } from './inbound/signature/mesh-nonces.ts';
import type { TakeNonces } from './inbound/signature/nonce-desk.ts';
import type { Nonces } from './inbound/signature/nonces.ts';
import { RequestSignatures } from './inbound/signature/request-signatures.ts';
import type { MeshLog } from './log.ts';
import type { TrafficMetrics } from './metrics/traffic-metrics.ts';
import { Picker } from './outbound/pick.ts';
import { TelemetryReporter } from './telemetry/reporter.ts';
import type { TelemetrySend } from './telemetry/reporter.ts';
import { spoolPlaces } from './telemetry/spool/spool-places.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { StandingReport } from './traffic/standing/standing.ts';
import { MeshView } from './view/mesh-view.ts';

export interface DataPlaneOptions {
  readonly address: ControlPlaneAddress;
  readonly evidence: WorkloadEvidence;
  readonly id: string;
  readonly kind: 'node' | 'sidecar';
  readonly version: string;
  readonly pid: number;
  /** Where records wait while the control plane is away; each identity of each mesh gets a folder of its own in it. */
  readonly spoolDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  /** Another process of the workload stands for this one's ports in the registry. */
  readonly registersElsewhere?: boolean;
  /** Remembers signatures that came, where another process of the workload does so for this one. */
  readonly nonces?: Nonces | undefined;
  /** Counts what passes, where somebody asks for it. */
  readonly metrics?: TrafficMetrics | undefined;
}

/** The registry answers in milliseconds or not at all; its lease does the rest. */
export const WITHDRAWAL_MS = 500;

/** "late": it may still come; "refused": it will not. */
export type Readiness = 'ready' | 'late' | 'refused';

/** Everything a data plane is made of, wired once. */
export interface DataPlane {
  readonly identity: SvidSource;
  readonly view: MeshView;
  readonly instances: LocalInstances;
  readonly authenticator: Authenticator;
  readonly limits: RequestLimits;
  readonly signatures: RequestSignatures;
  readonly picker: Picker;
  readonly telemetry: Telemetry;
  /** What it gives no requests to; undefined where nobody is told. */
  readonly standing?: StandingReport | undefined;
  /** Undefined where nobody asks. */
  readonly metrics?: TrafficMetrics | undefined;
  /** The workload its identity describes; undefined before attestation. */
  workload(): AttestedWorkload | undefined;
  /**
   * Gets a certificate of this workload's identity for a key that a process of the same workload holds (PKCS#10, DER): the key
   * itself goes nowhere. Resolves with an encoded `SvidResponse`.
   * @throws RampartError IDENTITY_NOT_READY before attestation; RemoteError when the control plane says no.
   */
  vouch(csr: Uint8Array): Promise<Uint8Array>;
  /** Resolves when identity and a first snapshot are there, when there will be none, or after `milliseconds`. */
  whenReady(milliseconds: number): Promise<Readiness>;
  /** Ends the control stream and flushes telemetry, to the control plane or to the spool. */
  stop(deadlineMs: number): Promise<void>;
}

/** Starts attesting, streaming and reporting; returns at once. */
export function startDataPlane(options: DataPlaneOptions): DataPlane {
  const { clock, random, log } = options;
  let workload: AttestedWorkload | undefined;
  const view = new MeshView({ rootNamespace: options.address.rootNamespace, capabilities: ENFORCED_IN_PROCESS });
  const address = heldTo(view, options.address);
  const issuer = createIssuer({
    address,
    evidence: options.evidence,
    clock,
    onWorkload: (attested, bundle) => {
      const first = workload === undefined;
      workload = attested;
      view.setWorkload(attested, bundle.trustDomain.name);
      const [own, ...earlier] = spoolPlaces(options.spoolDirectory, bundle, attested);
      if (first && own !== undefined) telemetry.useSpool([own, ...earlier]);
    },
  });
  const identity = new SvidSource({ issuer, clock, random, log });
  identity.subscribe(({ spiffeId }) => options.metrics?.setSelf(workload, spiffeId.toString()));
  const instances = new LocalInstances((instanceId) => isKnown(view, workload, instanceId));
  const standing = new StandingReport();
  view.subscribe(({ gone }) => instances.confirm(gone));
  const control = new ControlClient({
    address,
    identity,
    view,
    instances: options.registersElsewhere === true ? new LocalInstances() : instances,
    standing,
    clock,
    random,
    log,
    dataPlane: { id: options.id, kind: options.kind, version: options.version, pid: options.pid },
    capabilities: ENFORCED_IN_PROCESS,
    workload: () => workload,
  });
  const telemetry = new TelemetryReporter({ clock, random, send: sender(control) });
  // An update means that the control plane is back: what waited for it goes out now.
  view.subscribe(() => telemetry.retryNow());
  control.start();
  identity.start();
  return {
    identity,
    view,
    instances,
    authenticator: new Authenticator({ view, fetch: fetchDocument, clock, random, log }),
    limits: new RequestLimits({ clock, log, lease: leaser(control) }),
    signatures: new RequestSignatures({ view, identity, clock, nonces: noncesOf(options, control, () => workload) }),
    picker: new Picker(random),
    telemetry,
    standing,
    metrics: options.metrics,
    workload: () => workload,
    vouch: (csr) => vouchFor(csr, address, identity.current),
    whenReady: (milliseconds) => whenReady(view, identity, milliseconds),
    stop: async (deadlineMs) => {
      const [lost] = await Promise.all([telemetry.drain(deadlineMs), instances.whenWithdrawn(clock, WITHDRAWAL_MS)]);
      if (lost > 0) log.warn('records were lost: neither the control plane nor the spool took them', { lost });
      for (const part of [telemetry, identity, control]) part.stop();
    },
  };
}

const LEASE: MethodPath = '/rampart.v1.QuotaService/Lease';
const TAKE: MethodPath = '/rampart.v1.NonceService/Take';
/** Requests wait for these. */
const QUICK_MS = 500;

function leaser(control: ControlClient): Lease {
  return async (wants) => {
    const request = LeaseRequest.encode({ wants: [...wants] }).finish();
    return LeaseResponse.decode(await ask(control, { path: LEASE, request, timeoutMs: QUICK_MS })).shares;
  };
}

function noncesOf(
  { nonces, clock, log }: DataPlaneOptions,
  control: ControlClient,
  workload: DataPlane['workload'],
): Nonces {
  return nonces ?? new MeshNonces({ clock, log, workload, take: taker(control) });
}

function taker(control: ControlClient): TakeNonces {
  return async (claims) => {
    const request = TakeNoncesRequest.encode({ claims: [...claims] }).finish();
    return TakeNoncesResponse.decode(await ask(control, { path: TAKE, request, timeoutMs: QUICK_MS })).standings;
  };
}

interface Question {
  readonly path: MethodPath;
  readonly request: Uint8Array;
  readonly timeoutMs: number;
}

async function ask({ channel }: ControlClient, { path, request, timeoutMs }: Question): Promise<Uint8Array> {
  if (channel === undefined) throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'no connection to the control plane');
  return channel.unary(path, request, timeoutMs);
}

/** The control plane's own certificate is held against what it has revoked itself. */
function heldTo(view: MeshView, address: ControlPlaneAddress): ControlPlaneAddress {
  return { ...address, revocationOf: (certificate) => view.revocationOf(certificate) };
}

const REPORT: MethodPath = '/rampart.v1.TelemetryService/Report';
const REPORT_TIMEOUT_MS = 10_000;

function sender(control: ControlClient): TelemetrySend {
  return async (batch) => {
    const request = TelemetryBatch.encode(batch).finish();
    await ask(control, { path: REPORT, request, timeoutMs: REPORT_TIMEOUT_MS });
  };
}

/** Whether callers of this workload are told of one of its instances. */
function isKnown(view: MeshView, workload: AttestedWorkload | undefined, instanceId: string): boolean {
  const service = workload && view.service(workload.service, workload.namespace);
  return service?.endpoints.some((each) => each.instanceId === instanceId) ?? false;
}

function whenReady(view: MeshView, identity: SvidSource, milliseconds: number): Promise<Readiness> {
  if (view.ready) return Promise.resolve('ready');
  if (identity.refused) return Promise.resolve('refused');
  return new Promise((resolve) => {
    const unsubscribe = view.subscribe(() => {
      if (view.ready) settle('ready');
    });
    const forget = identity.onRefused(() => settle('refused'));
    // This timer holds the process open on purpose: nothing else does while a workload waits for its identity.
    const timer = setTimeout(() => settle('late'), milliseconds);
    function settle(readiness: Readiness): void {
      clearTimeout(timer);
      unsubscribe();
      forget();
      resolve(readiness);
    }
  });
}
