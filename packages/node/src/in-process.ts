import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ENFORCED_IN_PROCESS } from '@rampart/core';
import {
  Authenticator,
  createIds,
  describeRefusal,
  ExternalAuthorizer,
  InboundRecorder,
  LocalInstances,
  MeshView,
  Outbound,
  OutboundRecorder,
  Picker,
  Preliminaries,
  startDataPlane,
  SvidSource,
  TelemetryReporter,
} from '@rampart/mesh';
import type { DataPlane, MeshLog, Refusal } from '@rampart/mesh';

import { stopwatch, systemClock } from './clock.ts';
import { readConfig } from './config.ts';
import type { NodeConfig } from './config.ts';
import { countStreamedBodies } from './body-count.ts';
import { currentRequest } from './context.ts';
import { Ports } from './inbound/ports.ts';
import { RequestHandler } from './inbound/request-handler.ts';
import { hookServers } from './inbound/server-hook.ts';
import { hookTcpServers } from './inbound/tcp-servers.ts';
import { flush, watchLifecycle } from './lifecycle.ts';
import { createLog } from './log.ts';
import { hookAgents } from './outbound/agent-hook.ts';
import { guardConnections } from './outbound/connection-guard.ts';
import { hookSockets } from './outbound/socket-hook.ts';
import { hookUndici } from './outbound/undici-hook.ts';
import { VERSION } from './version.ts';

/** The process that the data plane lives in. */
export interface Surroundings {
  readonly host: NodeJS.Process;
  readonly env: Record<string, string | undefined>;
  readonly isMainThread: boolean;
  readonly write: (line: string) => void;
}

/** Makes this process a member of the mesh; resolves when it is ready, or when it has waited long enough and refuses everything. */
export async function startInProcess(surroundings: Surroundings): Promise<void> {
  const { env, write, host } = surroundings;
  const spool = join(tmpdir(), 'rampart-spool');
  const config = surroundings.isMainThread ? readConfig(env, spool) : undefined;
  if (config?.ok !== true) {
    const problems =
      config === undefined
        ? ['worker threads have no identity of their own yet; serve and call from the main thread']
        : config.problem;
    const reason = `this process is not part of the mesh: ${problems.join('; ')}`;
    const log = createLog(config === undefined ? 'silent' : 'error', write);
    log.error(`${reason}. Until then every connection to it is refused`);
    install(outsidePlane(reason, log), { config: undefined, host, log });
    return;
  }
  const log = createLog(config.value.logLevel, write);
  const plane = startPlane(config.value, host, log);
  install(plane, { config: config.value, host, log });
  const readiness = await plane.whenReady(config.value.startTimeoutMs);
  if (readiness === 'late')
    log.error('no identity or no policy from the control plane yet: every connection is refused until they arrive', {
      controlPlane: config.value.address.url.origin,
    });
}

function startPlane(config: NodeConfig, host: NodeJS.Process, log: MeshLog): DataPlane {
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
  });
}

/** A plane that was never connected: it holds no identity and refuses everything, saying why. */
function outsidePlane(reason: string, log: MeshLog): DataPlane {
  const issuer = { attest: () => Promise.reject(new Error(reason)), renew: () => Promise.reject(new Error(reason)) };
  const view = new MeshView({ rootNamespace: '', capabilities: ENFORCED_IN_PROCESS, notReady: reason });
  const fetch = (): Promise<string> => Promise.reject(new Error(reason));
  return {
    identity: new SvidSource({ issuer, clock: systemClock, random: Math.random, log }),
    view,
    authenticator: new Authenticator({ view, fetch, clock: systemClock, random: Math.random, log }),
    instances: new LocalInstances(),
    picker: new Picker(Math.random),
    telemetry: TelemetryReporter.discarding(),
    workload: () => undefined,
    whenReady: () => Promise.resolve('refused'),
    stop: () => Promise.resolve(),
  };
}

interface Installation {
  readonly config: NodeConfig | undefined;
  readonly host: NodeJS.Process;
  readonly log: MeshLog;
}

function install(plane: DataPlane, { config, host, log }: Installation): void {
  const ids = createIds();
  const inbound = new InboundRecorder(plane, stopwatch);
  const outboundRecords = new OutboundRecorder(plane, { ids, stopwatch, parent: () => currentRequest.getStore() });
  const refuse = (refusal: Refusal): void => {
    const event = describeRefusal(refusal, systemClock.now());
    log.info('connection refused', { kind: event.kind, reason: event.reason, from: event.remoteAddress });
    plane.telemetry.refused(event);
  };
  const ports = new Ports({
    plane,
    clock: systemClock,
    instanceHost: config?.instanceHost ?? '',
    traits: config?.traits ?? {},
    lastClosed: () => flush(plane),
    refuse,
  });
  const lifecycle = watchLifecycle(host, plane, () => ports);
  const outbound = new Outbound(plane, systemClock);
  countStreamedBodies();
  const external = new ExternalAuthorizer({
    connect: (host, port) => outbound.connect(host, port),
    clock: systemClock,
  });
  const handler = new RequestHandler({
    recorder: inbound,
    ids,
    stopwatch,
    preliminaries: new Preliminaries({
      authenticator: plane.authenticator,
      external,
      ownPrincipal: () => plane.identity.current?.spiffeId.toString() ?? '',
      stopwatch,
    }),
    draining: () => lifecycle.draining,
  });
  hookServers({ ports, handler });
  hookTcpServers({ plane, isOwn: (ip, port) => outbound.connections.hasOneFrom(ip, port), refuse });
  const agents = hookAgents(outbound, outboundRecords);
  hookSockets(outbound);
  hookUndici(outbound, outboundRecords);
  guardConnections(outbound, { recorder: outboundRecords, exempt: config?.address.url });
  plane.identity.subscribe((svid) => {
    const workload = plane.workload();
    const service = workload?.service ?? '';
    inbound.setSelf(service === '' ? '' : `${service}.${workload?.namespace ?? ''}.svc`, svid.spiffeId.toString());
    outboundRecords.setSelf(service === '' ? (workload?.serviceAccount ?? '') : service, svid.spiffeId.toString());
    agents.retire(() => false);
    external.close();
  });
  plane.view.subscribe((change) => {
    if (change.gone.size === 0) return;
    agents.retire((instanceId) => !change.gone.has(instanceId));
    external.close();
  });
}
