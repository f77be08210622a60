import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ENFORCED_IN_PROCESS } from '@rampart/core';
import {
  Authenticator,
  createIds,
  describeRefusal,
  ExternalAuthorizer,
  LocalInstances,
  expositionText,
  MeshView,
  openOperationsDoor,
  RequestLimits,
  RequestSignatures,
  Outbound,
  Picker,
  limitFamilies,
  planeFamilies,
  processFamilies,
  startDataPlane,
  SvidSource,
  TelemetryReporter,
  trafficFamilies,
  TrafficMetrics,
} from '@rampart/mesh';
import type { DataPlane, InstanceTraits, MeshLog, Refusal } from '@rampart/mesh';

import { stopwatch, systemClock } from './clock.ts';
import { readConfig } from './config.ts';
import type { NodeConfig } from './config.ts';
import { countStreamedBodies } from './body-count.ts';
import { Ports } from './inbound/ports.ts';
import { hookInbound } from './inbound/hook-inbound.ts';
import { flush, watchLifecycle } from './lifecycle.ts';
import type { Lifecycle } from './lifecycle.ts';
import { createLog } from './log.ts';
import { hookOutbound } from './outbound/hook-outbound.ts';
import { VERSION } from './version.ts';
import { watchCluster } from './workers/cluster-primary.ts';
import { ClusterWorker } from './workers/cluster-worker.ts';
import { registerThrough } from './workers/parent-link.ts';
import { Tenants } from './workers/tenants.ts';
import { joinAsThread } from './workers/thread-guest.ts';
import { hostThreads } from './workers/thread-host.ts';

/** The process that the data plane lives in. */
export interface Surroundings {
  readonly host: NodeJS.Process;
  readonly env: Record<string, string | undefined>;
  readonly isMainThread: boolean;
  readonly write: (line: string) => void;
}

/** Makes this process a member of the mesh; resolves when it is ready, or when it has waited long enough and refuses everything. */
export async function startInProcess(surroundings: Surroundings): Promise<void> {
  if (surroundings.isMainThread) await startInMainThread(surroundings);
  else startInThread(surroundings);
}

async function startInMainThread({ env, write, host }: Surroundings): Promise<void> {
  const primary = ClusterWorker.of(host);
  const config = readConfig(env, join(tmpdir(), 'rampart-spool'), primary?.evidence);
  if (!config.ok) {
    const reason = `this process is not part of the mesh: ${config.problem.join('; ')}`;
    const log = createLog('error', write);
    log.error(`${reason}. Until then every connection to it is refused`);
    install(outsidePlane(reason, log), { exempt: undefined, host, log });
    return;
  }
  const { instanceHost, traits, logLevel, address, startTimeoutMs } = config.value;
  const log = createLog(logLevel, write);
  const plane = startPlane(config.value, { host, log, primary });
  const { lifecycle, tenants } = install(plane, { instanceHost, traits, exempt: address.url, host, log });
  if (primary === undefined) watchCluster({ host, plane, tenants });
  else registerThrough(primary, plane, () => lifecycle.leave());
  // Workers of a cluster would ask for the same port.
  if (primary === undefined) openMetrics(config.value, plane, { host, log });
  hostThreads({ host, config: config.value, plane, tenants });
  const readiness = await plane.whenReady(startTimeoutMs);
  if (readiness === 'late')
    log.error('no identity or no policy from the control plane yet: every connection is refused until they arrive', {
      controlPlane: address.url.origin,
    });
}

/** A thread waits for nobody: what its process knows it was given. */
function startInThread({ write, host }: Surroundings): void {
  const membership = joinAsThread({ host, write, random: Math.random });
  if (membership === undefined) {
    const log = createLog('silent', write);
    const plane = outsidePlane('the main thread of this process is not part of the mesh', log);
    install(plane, { exempt: undefined, host, log });
    return;
  }
  const { plane, parent, instanceHost, log } = membership;
  const { lifecycle } = install(plane, { instanceHost, exempt: undefined, host, log });
  registerThrough(parent, plane, () => lifecycle.leave());
}

interface PlaneSurroundings {
  readonly host: NodeJS.Process;
  readonly log: MeshLog;
  /** Stands for this process in the registry, and remembers for it. */
  readonly primary: ClusterWorker | undefined;
}

function startPlane(config: NodeConfig, { host, log, primary }: PlaneSurroundings): DataPlane {
  return startDataPlane({
    address: config.address,
    evidence: config.evidence,
    id: randomUUID(),
    kind: 'node',
    version: VERSION,
    pid: host.pid,
    spoolDirectory: config.spoolDirectory,
    clock: systemClock,
    random: Math.random,
    log,
    registersElsewhere: primary !== undefined,
    nonces: primary?.nonces,
    metrics: config.metrics === undefined ? undefined : new TrafficMetrics(),
  });
}

/** A service goes on without its metrics: they are no reason to keep it from starting. */
function openMetrics(
  { metrics: place }: NodeConfig,
  plane: DataPlane,
  { host, log }: Pick<Place, 'host' | 'log'>,
): void {
  const { metrics } = plane;
  if (place === undefined || metrics === undefined) return;
  openOperationsDoor({
    ...place,
    isReady: () => plane.view.ready,
    metrics: () =>
      expositionText([
        ...trafficFamilies(metrics),
        ...limitFamilies(plane.limits),
        ...planeFamilies(plane),
        ...processFamilies(host),
      ]),
  }).then(
    ({ port }) => log.info('metrics are answered', { port }),
    (error: unknown) => log.error('nobody can ask for metrics', { error }),
  );
}

/** A plane that was never connected: it holds no identity and refuses everything, saying why. */
function outsidePlane(reason: string, log: MeshLog): DataPlane {
  const issuer = { attest: () => Promise.reject(new Error(reason)), renew: () => Promise.reject(new Error(reason)) };
  const view = new MeshView({ rootNamespace: '', capabilities: ENFORCED_IN_PROCESS, notReady: reason });
  const fetch = (): Promise<string> => Promise.reject(new Error(reason));
  const identity = new SvidSource({ issuer, clock: systemClock, random: Math.random, log });
  return {
    identity,
    view,
    authenticator: new Authenticator({ view, fetch, clock: systemClock, random: Math.random, log }),
    limits: new RequestLimits({ clock: systemClock, log }),
    signatures: new RequestSignatures({ view, identity, clock: systemClock, nonces: { take: () => 'unknown' } }),
    instances: new LocalInstances(),
    picker: new Picker(Math.random),
    telemetry: TelemetryReporter.discarding(),
    workload: () => undefined,
    vouch: () => Promise.reject(new Error(reason)),
    whenReady: () => Promise.resolve('refused'),
    stop: () => Promise.resolve(),
  };
}

interface Place {
  readonly instanceHost?: string;
  /** What its instances say of themselves. */
  readonly traits?: InstanceTraits;
  /** The control plane. */
  readonly exempt: URL | undefined;
  readonly host: NodeJS.Process;
  readonly log: MeshLog;
}

interface Installed {
  readonly lifecycle: Lifecycle;
  readonly tenants: Tenants;
}

function install(plane: DataPlane, { host, log, exempt, instanceHost = '', traits = {} }: Place): Installed {
  const ids = createIds();
  const refuse = (refusal: Refusal): void => {
    const event = describeRefusal(refusal, systemClock.now());
    log.info('connection refused', { kind: event.kind, reason: event.reason, from: event.remoteAddress });
    plane.telemetry.refused(event);
  };
  const outbound = new Outbound(plane, { clock: systemClock, stopwatch, random: Math.random });
  const ports = new Ports({
    plane,
    clock: systemClock,
    instanceHost,
    traits,
    lastClosed: () => flush(plane),
    refuse,
    isOwn: ({ remoteAddress = '', remotePort = 0 }) => outbound.connections.hasOneFrom(remoteAddress, remotePort),
  });
  const tenants = new Tenants(plane.instances, traits);
  const lifecycle = watchLifecycle({ host, plane, ports: () => ports, tenants, leaving: () => leaveHttp2() });
  countStreamedBodies();
  const external = new ExternalAuthorizer({
    connect: (host, port) => outbound.connect(host, port),
    clock: systemClock,
  });
  const leaveHttp2 = hookInbound({ plane, ports, ids, external, draining: () => lifecycle.draining });
  hookOutbound({ outbound, ids, external, exempt });
  return { lifecycle, tenants };
}
