import { Code, ConnectError } from '@connectrpc/connect';
import type { ConnectRouter } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { Clock, Random } from '@rampart/core';
import { createIssuer, SvidSource } from '@rampart/mesh';
import type { ControlPlaneAddress, MeshLog, WorkloadEvidence } from '@rampart/mesh';
import { fromPem } from '@rampart/spiffe';
import { ServerReflection, ServerReflectionAlpha } from '@rampart/wire/reflection';
import type { ProbeLimits } from '@rampart/registry/health';
import { ReportChecksRequest } from '@rampart/wire/agent';
import { SecretDiscoveryService } from '@rampart/wire/sds';
import { SpiffeWorkloadAPI } from '@rampart/wire/workload-api';

import { ChangeSignal } from './change-signal.ts';
import { Issuance } from './control/issuance.ts';
import { SyncClient } from './control/sync-client.ts';
import { CallLimits } from './endpoint/call-limits.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { Splay } from './endpoint/followed-state.ts';
import { createOwnHostProbe } from './health/own-host-probe.ts';
import { HostChecks } from './health/host-checks.ts';
import { probeIdentity, type ProbeIdentityParts } from './health/probe-identity.ts';
import { HostView } from './entries/host-view.ts';
import type { Identities } from './identities/identities.ts';
import { Reflection } from './reflection/service.ts';
import { createSecretDiscovery } from './sds/service.ts';
import { JwtKeeper } from './svid/jwt-keeper.ts';
import { X509Keeper } from './svid/x509-keeper.ts';
import { requireSecurityHeader } from './workload-api/security-header.ts';
import { createWorkloadApi } from './workload-api/service.ts';
import { Accounts } from './workload/accounts.ts';
import { BinaryDigests } from './workload/binary-digest.ts';

const REPORT_TIMEOUT_MS = 5_000;

export interface AgentOptions {
  readonly controlPlane: {
    readonly url: URL;
    /** PEM certificates that the control plane's own must chain to. */
    readonly caPem: string;
    readonly rootNamespace: string;
  };
  /** What the agent shows for its first certificate. */
  readonly evidence: WorkloadEvidence;
  /** Path of the Unix socket. */
  readonly socketPath: string;
  /** Effective user of this process. */
  readonly userId: number;
  readonly version: string;
  readonly clock: Clock;
  /** Measures the times of checks. */
  readonly steady: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  /** Where checks may go beside the addresses of this host, and whether they may be programs. */
  readonly probes: ProbeLimits;
}

/** The agent of a host, as it runs. */
export interface Agent {
  readonly socketPath: string;
  /** Resolves with the agent's SPIFFE ID once it can answer its callers, and with undefined when it is refused one. */
  readonly ready: Promise<string | undefined>;
  /** Resolves when the control plane refuses this agent for good: it was revoked, or what it attested with does not hold. */
  readonly refused: Promise<void>;
  /** Ends the socket, then the rest. */
  stop(): Promise<void>;
}

/**
 * Listens, then attests in the background: who calls before there is an identity hears Unavailable.
 *
 * @throws RampartError INVALID_ARGUMENT for a socket or a CA that cannot be, PORT_IN_USE when somebody listens on it.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { evidence, clock, random, log, version } = options;
  const changes = new ChangeSignal();
  const view = new HostView({ changes, clock, log });
  const address: ControlPlaneAddress = {
    ...addressOf(options.controlPlane),
    revocationOf: (certificate) => view.revocationOf(certificate),
  };
  const identity = new SvidSource({ issuer: createIssuer({ address, evidence, clock }), clock, random, log });
  const checks = hostChecksOf(options, { identity, view, call: (...question) => sync.call(...question) });
  const sync = new SyncClient({ address, identity, view, changes, checks, version, clock, random, log });
  const issuance = new Issuance(sync);
  const x509 = new X509Keeper({
    view,
    changes,
    clock,
    random,
    log,
    issue: (entry, previous) => issuance.x509(entry, previous?.serial ?? ''),
    epoch: () => sync.epoch,
  });
  const jwt = new JwtKeeper({ view, clock, issue: (entry, audiences) => issuance.jwt(entry, audiences) });
  const endpoint = new Endpoint({
    path: options.socketPath,
    userId: options.userId,
    sources: { accounts: new Accounts(), digests: new BinaryDigests() },
    limits: new CallLimits({ clock }),
    log,
    routes: routesOf({ view, changes, x509, jwt }, options),
    gate: requireSecurityHeader,
  });
  await endpoint.listen();
  sync.start();
  identity.start();
  return {
    socketPath: options.socketPath,
    ready: whenReady(identity, { view, changes }),
    refused: new Promise((resolve) => {
      identity.onRefused(resolve);
    }),
    stop: async () => {
      await endpoint.close(
        identity.refused
          ? new ConnectError('no identity: the control plane refuses this host', Code.PermissionDenied)
          : new ConnectError('the agent is stopping', Code.Unavailable),
      );
      identity.stop();
      checks.stop();
      sync.stop();
      x509.stop();
      view.stop();
    },
  };
}

interface HostChecksParts extends Omit<ProbeIdentityParts, 'clock'> {
  readonly call: SyncClient['call'];
}

function hostChecksOf(
  { probes, clock, steady, random, log }: AgentOptions,
  { identity, view, call }: HostChecksParts,
): HostChecks {
  return new HostChecks({
    probe: createOwnHostProbe({ limits: probes, identity: () => probeIdentity({ identity, view, clock }) }),
    clock: steady,
    random,
    log,
    send: async (reports) => {
      const request = ReportChecksRequest.encode({ reports }).finish();
      await call('/rampart.v1.AgentService/ReportChecks', request, REPORT_TIMEOUT_MS);
    },
  });
}

function addressOf({ url, caPem, rootNamespace }: AgentOptions['controlPlane']): ControlPlaneAddress {
  const roots = fromPem(caPem);
  if (roots.length > 0) return { url, roots, rootNamespace };
  throw new RampartError('INVALID_ARGUMENT', 'the CA file holds no certificate; it should be the ca.pem of the mesh');
}

function routesOf(
  identities: Identities,
  { clock, random, log }: Pick<AgentOptions, 'clock' | 'random' | 'log'>,
): (router: ConnectRouter) => void {
  const splay = new Splay(random);
  const reflection = new Reflection([SpiffeWorkloadAPI, SecretDiscoveryService, ServerReflection]);
  return (router) => {
    router.service(SpiffeWorkloadAPI, createWorkloadApi({ identities, clock, splay }));
    router.service(SecretDiscoveryService, createSecretDiscovery(identities, log));
    router.service(ServerReflection, { serverReflectionInfo: (requests) => reflection.answers(requests) });
    router.service(ServerReflectionAlpha, { serverReflectionInfo: (requests) => reflection.answers(requests) });
  };
}

async function whenReady(
  identity: SvidSource,
  { view, changes }: Pick<Identities, 'view' | 'changes'>,
): Promise<string | undefined> {
  const refused = new AbortController();
  identity.onRefused(() => refused.abort());
  while (view.trustDomain === undefined && !identity.refused) await changes.changed(changes.version, refused.signal);
  return identity.refused ? undefined : identity.current?.spiffeId.toString();
}
