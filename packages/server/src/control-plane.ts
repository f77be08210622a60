import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { type Authority, type Federation, openAuthority, type RevocationStore } from '@rampart/authority';
import { TrustDomain } from '@rampart/core';
import { type Checkpoints, Journal } from '@rampart/journal';
import type { Registry } from '@rampart/registry';
import {
  AdminService,
  AgentService,
  ApiTokenService,
  ControlService,
  IdentityService,
  LedgerService,
  RevocationService,
  MAX_BLOCK_BYTES,
  TelemetryService,
  TrustService,
} from '@rampart/wire';
import { agentStateOf } from './agents/agent-state.ts';
import { ListeningAgents } from './agents/listening-agents.ts';
import { RegisteredEntries } from './agents/registered-entries.ts';
import { AdminTokens } from './admin/admin-tokens.ts';
import { ApiTokens } from './admin/api-tokens/api-tokens.ts';
import { ChangeFeed } from './changes/change-feed.ts';
import { type CompleteOptions, completeOptions, type ControlPlaneOptions } from './control-plane-options.ts';
import { DataPlanes } from './control/data-planes.ts';
import { measureMesh } from './control/mesh-metrics.ts';
import { MeshSnapshots } from './control/mesh-snapshots.ts';
import { openServices } from './control/open-services.ts';
import { WorkloadDirectory } from './control/workload-directory.ts';
import { writeCaFile, writeClientFiles } from './directory/client-files.ts';
import { claimDataDirectory, type DataDirectory } from './directory/data-directory.ts';
import { createApiHandler } from './doors/api-handler.ts';
import { type ApiServer, openApiServer } from './doors/api-server.ts';
import { createDocumentDesk, type DocumentDesk } from './doors/documents/public-documents.ts';
import { journalDocuments } from './doors/documents/journal-documents.ts';
import { trustDocuments } from './doors/documents/trust-documents.ts';
import { openWebDoor, type WebDoor } from './doors/documents/web-door.ts';
import { CallerLimits } from './doors/limits/caller-limits.ts';
import { FailureLimit } from './doors/limits/failure-limit.ts';
import { createGate, type Gate } from './doors/gate.ts';
import { openOperationsServer, type OperationsServer } from './doors/operations-server.ts';
import { PeerVerifier } from './doors/peer.ts';
import { Refusals } from './doors/refusals.ts';
import { ServerCertificate } from './doors/server-certificate.ts';
import { createAdminService } from './doors/services/admin/admin-service.ts';
import { createAgentService } from './doors/services/agent-service.ts';
import { createApiTokenService } from './doors/services/api-tokens/api-token-service.ts';
import { createControlService } from './doors/services/control-service.ts';
import { createIdentityService } from './doors/services/identity-service.ts';
import { createRevocationService } from './doors/services/revocation-service.ts';
import { createLedgerService } from './doors/services/ledger-service.ts';
import { createTelemetryService } from './doors/services/telemetry-service.ts';
import { createTrustService } from './doors/services/trust/trust-service.ts';
import { Ledger } from './ledger/ledger.ts';
import { keepCheckpoints } from './ledger/kept-checkpoints.ts';
import { watchExpiry } from './ledger/watch-expiry.ts';
import { Metrics } from './metrics.ts';
import { PolicyDesk } from './resources/policy-desk.ts';
import { ResourceSet } from './resources/resource-set.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { sqliteEngine } from './storage/sqlite/engine.ts';
import { createApiTokenStore } from './storage/stores/api-token-store.ts';
import { createAdminTokenStore } from './storage/stores/admin-token-store.ts';
import { createAuthorityStore } from './storage/stores/authority-store.ts';
import { createJournalStore } from './storage/stores/journal-store.ts';
import { createResourceStore } from './storage/stores/resource-store.ts';
import { createRevisionStore } from './storage/stores/revision-store.ts';
import { openTelemetry, type Telemetry } from './telemetry/open-telemetry.ts';
import { CrlKeeper, crlDocuments } from './revocation/crl-keeper.ts';
import { openRevocations } from './revocation/open-revocations.ts';
import { watchRevocations } from './revocation/watch-revocations.ts';
import { Teardown } from './teardown.ts';
import { joinTrust } from './trust/join-trust.ts';
import { watchHierarchy } from './trust/hierarchy-watch.ts';
import { openKeys } from './trust/keys.ts';
import { createOwnTrust, openJwtKeys, type OwnTrust } from './trust/own-trust.ts';
import { exchangeByHand, openUpstream } from './trust/upstream.ts';
import { VERSION } from './version.ts';

/** A control plane that is running. */
export interface ControlPlane {
  /** Where it listens: "https://127.0.0.1:8443" and "http://127.0.0.1:9090"; `web` where public documents are served to the web. */
  readonly addresses: { readonly api: string; readonly metrics: string; readonly web?: string };
  /** PEM roots that its certificate and every workload's certificate chain to. */
  readonly caFile: string;
  /** Bearer token for the admin API, readable by its owner only. */
  readonly adminTokenFile: string;
  readonly dataDirectory: string;
  readonly trustDomain: string;
  readonly version: string;
  /** Lets calls that are running end, makes everything durable, and frees ports and directory. Repeating it waits for the first. */
  stop(): Promise<void>;
}

/** How long calls that are running may take to end at a stop. */
const GRACE_MS = 2000;
const LARGEST_CONTROL_BYTES = 256 * 1024;
const LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024;
/** A full record block and the refused connections beside it. */
const LARGEST_REPORT_BYTES = MAX_BLOCK_BYTES + 1024 * 1024;
const LOOPBACK = '127.0.0.1';

/** What one start is made of, as far as it has come. */
interface Start {
  readonly options: CompleteOptions;
  readonly teardown: Teardown;
  readonly metrics: Metrics;
  readonly directory: DataDirectory;
}

/**
 * Starts a control plane: the one place that puts its parts together.
 *
 * @throws RampartError PORT_IN_USE, DATA_DIRECTORY_UNREADABLE, DATA_DIRECTORY_LOCKED, KEY_UNREADABLE, STORAGE_FAILED or
 *   INVALID_ARGUMENT; nothing that was started by then goes on.
 */
export async function startControlPlane(given: ControlPlaneOptions): Promise<ControlPlane> {
  const options = completeOptions(given);
  const teardown = new Teardown(options.log);
  try {
    return await start(options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function start(options: CompleteOptions, teardown: Teardown): Promise<ControlPlane> {
  const directory = await claimDataDirectory(options.dataDirectory);
  teardown.add('data directory', () => directory.release());
  const parts: Start = { options, teardown, metrics: new Metrics(), directory };
  const ready = { now: false };
  const doors = await openDoors(parts, () => ready.now);
  const state = await openState(parts);
  const mesh = await joinMesh(parts, state);
  const web = await openWeb(parts, state);
  const telemetry = openTelemetry({ ...parts, ...state, ...options, keep: options.accessLogs });
  await serve(parts, { doors, state, mesh, telemetry });
  const addresses = {
    api: `https://${authority(options.host)}:${doors.api.port}`,
    metrics: `http://${LOOPBACK}:${doors.operations.port}`,
    ...(web === undefined ? {} : { web: `https://${authority(options.host)}:${web.port}` }),
  };
  await writeClientFiles(directory, { ...state, api: addresses.api });
  ready.now = true;
  options.log.info(
    { ...addresses, dataDirectory: directory.path, trustDomain: options.trustDomain },
    'control plane ready',
  );
  let stopping: Promise<void> | undefined;
  return {
    addresses,
    caFile: directory.caFile,
    adminTokenFile: directory.adminTokenFile,
    dataDirectory: directory.path,
    trustDomain: options.trustDomain,
    version: VERSION,
    stop: () => {
      ready.now = false;
      stopping ??= teardown.run();
      return stopping;
    },
  };
}

interface Doors {
  readonly api: ApiServer;
  readonly operations: OperationsServer;
}

/** Ports come first: one that is in use is known before anything is written. */
async function openDoors({ options, teardown, metrics }: Start, isReady: () => boolean): Promise<Doors> {
  const operations = await openOperationsServer({ host: LOOPBACK, port: options.ports.metrics, metrics, isReady });
  teardown.add('operations door', () => operations.close());
  const failed = metrics.counter('rampart_tls_handshakes_failed_total', 'TLS handshakes with the API that failed.');
  const api = await openApiServer({
    host: options.host,
    port: options.ports.api,
    handshakeFailed: (error) => {
      failed.add();
      options.log.debug({ error }, 'a TLS handshake failed');
    },
  });
  teardown.add('API door', () => api.close(GRACE_MS));
  return { api, operations };
}

interface State {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly authority: Authority;
  readonly acts: RevocationStore;
  readonly trust: OwnTrust;
  readonly federation: Federation;
  readonly registry: Registry;
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly tokens: AdminTokens;
  readonly apiTokens: ApiTokens;
  /** What anybody may read. */
  readonly documents: DocumentDesk;
  readonly entries: RegisteredEntries;
}

/** Everything that survives a restart. */
async function openState({ options, teardown, directory }: Start): Promise<State> {
  const { clock, log } = options;
  const database = await openDatabase(sqliteEngine(directory.database));
  teardown.add('database', () => database.close());
  const journal = await Journal.open(createJournalStore(database), clock);
  teardown.add('journal', () => journal.settle());
  const feed = await ChangeFeed.open(createRevisionStore(database));
  const resources = await ResourceSet.open(createResourceStore(database), feed);
  const { trustDomain, rootNamespace } = options;
  const entries = new RegisteredEntries({ feed, resources: () => resources.all(), trustDomain, rootNamespace });
  const { keys, keyEncryptionKey } = await openKeys({ options, teardown }, directory);
  const shared = { feed, resources, database, journal, clock, log, teardown };
  const checkpoints = await keepCheckpoints({ ...shared, directory, keys, trustDomain });
  const domain = TrustDomain.of(trustDomain);
  const jwtSvids = await openJwtKeys({ ...shared, ...options.jwt, trustDomain: domain, keys });
  const { revocationFile } = options;
  const revocations = await openRevocations({ ...shared, directory, revocationFile, keyEncryptionKey, trustDomain });
  const opened = await openAuthority({
    revocations,
    ...(options.crlUrl === undefined ? {} : { crlUrl: options.crlUrl }),
    trustDomain: domain,
    keys,
    store: createAuthorityStore(database),
    journal,
    clock,
    lifetimes: options.lifetimes,
    upstream: await openUpstream(options.upstream, domain),
    entries,
    jwtSvids,
  });
  if (options.upstream.kind === 'by-hand') await exchangeByHand(opened, directory.path);
  const trust = createOwnTrust(opened, jwtSvids, options.jwt.issuer);
  const federation = await joinTrust({ ...shared, ...options.federation, trust });
  const registry = await openServices(options, { database, journal, teardown });
  const tokens = await AdminTokens.open(createAdminTokenStore(database), clock);
  const apiTokens = await ApiTokens.open({ store: createApiTokenStore(database), journal, clock });
  return {
    database,
    journal,
    checkpoints,
    authority: opened,
    acts: revocations.acts,
    trust,
    federation,
    registry,
    feed,
    resources,
    tokens,
    apiTokens,
    documents: createDocumentDesk([trustDocuments(trust), journalDocuments(checkpoints), crlDocuments(opened)]),
    entries,
  };
}

/** Public documents for those who know no SPIFFE yet, where that is asked for. */
async function openWeb({ options, teardown }: Start, { documents }: State): Promise<WebDoor | undefined> {
  const { webDoor } = options.federation;
  if (webDoor === undefined) return undefined;
  const { clock, log, host } = options;
  const failed = (error: unknown): void =>
    log.error({ error }, 'the renewed certificate of the web door cannot be used');
  const web = await openWebDoor({ ...webDoor, host, documents, clock, failed });
  teardown.add('web door', () => web.close());
  return web;
}

interface Mesh {
  readonly dataPlanes: DataPlanes;
  readonly agents: ListeningAgents;
  readonly directory: WorkloadDirectory;
}

/** What data planes are told, and who is listening. */
async function joinMesh({ options, teardown, metrics }: Start, state: State): Promise<Mesh> {
  const { database, feed, resources, registry, authority: issuer, federation } = state;
  const { clock, log, rootNamespace } = options;
  const certificates = createAuthorityStore(database);
  const directory = new WorkloadDirectory({
    now: () => clock.now(),
    changed: (spiffeId) => {
      if (dataPlanes.sessions.length > 0 && snapshots.hasNetworkPolicies)
        feed.publish([{ kind: 'identity', spiffeId }]);
    },
  });
  const snapshots = new MeshSnapshots({
    feed,
    rootNamespace,
    resource: (key) => resources.get(key),
    resources: () => resources.all(),
    service: (name) => registry.lookup(name),
    services: () => registry.services(),
    revocations: issuer.revocations,
    bundle: () => issuer.bundle(),
    federatedBundles: () => federation.bundles(),
    identity: (spiffeId) => directory.get(spiffeId),
    identities: () => directory.all(),
  });
  const dataPlanes = new DataPlanes({
    snapshots,
    registry,
    clock,
    log,
    workloadOf: async (serial) => (await certificates.certificate(serial))?.workload,
    isTainted: (serial) => issuer.hierarchy.isTainted(serial),
  });
  for (const holder of await certificates.workloadCertificates(clock.now())) {
    directory.learn({ workload: undefined, ...holder });
  }
  teardown.add('control streams', () => dataPlanes.close());
  teardown.add(
    'watches',
    registry.watch(({ name, namespace }) => feed.publish([{ kind: 'service', name, namespace }])),
  );
  teardown.add(
    'watches',
    watchRevocations({ authority: issuer, certificates, feed, dataPlanes, directory, clock, log }),
  );
  teardown.add(
    'watches',
    issuer.onIssued((issued) => directory.learn({ ...issued, spiffeId: issued.spiffeId.toString() })),
  );
  teardown.add(
    'watches',
    feed.watch(() => dataPlanes.wake()),
  );
  measureMesh(metrics, { ...state, dataPlanes });
  return { dataPlanes, agents: new ListeningAgents(), directory };
}

interface Serving {
  readonly doors: Doors;
  readonly state: State;
  readonly mesh: Mesh;
  readonly telemetry: Telemetry;
}

function deskOf({ options }: Start, { resources, journal, authority, trust }: State, { dataPlanes }: Mesh): PolicyDesk {
  const { clock, rootNamespace, trustDomain } = options;
  const longestLives = { certificateMs: authority.lifetimes.longestWorkloadMs, tokenMs: trust.jwt.longestSvidMs };
  return new PolicyDesk({
    resources,
    journal,
    clock,
    rootNamespace,
    trustDomain,
    longestLives,
    planes: () => dataPlanes.enforcing(),
  });
}

interface Guards {
  readonly failures: FailureLimit;
  readonly gate: Gate;
  readonly limits: CallerLimits;
}

/** What stands between callers and the services. */
function guardsOf({ options, metrics }: Start, { journal, tokens, apiTokens, entries }: State): Guards {
  const { clock, log, callerRates: rates } = options;
  const failures = new FailureLimit({ clock, burst: 20, perSecond: 1 });
  const failed = (error: unknown): void => log.error({ error }, 'a refusal could not be recorded');
  const refusals = new Refusals({ journal, metrics, log, failures });
  return {
    failures,
    gate: createGate({
      tokens,
      apiTokens,
      isAdministrator: (id) => entries.isAdministrator(id, clock.now()),
      failures,
      refused: (refusal) => refusals.add(refusal),
    }),
    limits: new CallerLimits({ rates, clock, journal, metrics, failed }),
  };
}

/** From here on calls are answered. */
async function serve(parts: Start, { doors, state, mesh, telemetry }: Serving): Promise<void> {
  const { options, teardown, metrics } = parts;
  const { clock, log, rootNamespace, trustDomain } = options;
  const { authority: issuer, registry, journal, resources, feed, apiTokens } = state;
  const { failures, gate, limits } = guardsOf(parts, state);
  const desk = deskOf(parts, state, mesh);
  const admin = createAdminService({
    authority: issuer,
    registry,
    journal,
    resources,
    desk,
    ...mesh,
    ...telemetry,
    clock,
    trustDomain,
    rootNamespace,
    version: VERSION,
    startedAt: clock.now(),
    revision: () => feed.revision,
  });
  const shutdown = new AbortController();
  doors.api.serve(
    createApiHandler({
      gate,
      verifier: new PeerVerifier({
        clock,
        bundle: () => issuer.bundle(),
        isRevoked: (serial) => issuer.isRevoked(serial),
        revocationOf: (certificate) => issuer.revocations.of(certificate),
      }),
      apiTokens,
      log,
      metrics,
      clock,
      documents: state.documents,
      shutdown: shutdown.signal,
      routes: (router: ConnectRouter) => {
        router
          .service(IdentityService, createIdentityService({ authority: issuer, metrics, failures, limits }))
          .service(AgentService, createAgentService(agentStateOf({ ...state, clock }), { ...mesh, metrics, limits }));
        router.service(ControlService, createControlService(mesh.dataPlanes), { readMaxBytes: LARGEST_CONTROL_BYTES });
        router.service(TelemetryService, createTelemetryService(telemetry.intake), {
          readMaxBytes: LARGEST_REPORT_BYTES,
        });
        router.service(ApiTokenService, createApiTokenService(apiTokens));
        router.service(TrustService, createTrustService({ ...state, clock, rootNamespace }));
        router.service(LedgerService, createLedgerService(new Ledger(state)));
        router.service(RevocationService, createRevocationService({ ...state, ...mesh }));
        router.service(AdminService, admin, { readMaxBytes: LARGEST_DOCUMENT_BYTES });
      },
    }),
  );
  await certifyDoor(parts, { doors, state, mesh });
  teardown.add('calls', async () => {
    mesh.dataPlanes.close();
    shutdown.abort(new ConnectError('the control plane is stopping', Code.Unavailable));
    await doors.api.close(GRACE_MS);
  });
}

/** The API's own certificate, now and after each half-life; and the authorities that sign it and all others. */
async function certifyDoor(
  { options, teardown, directory }: Start,
  { doors, state, mesh }: Omit<Serving, 'telemetry'>,
): Promise<void> {
  const { clock, random, log, rootNamespace } = options;
  const certificate = await ServerCertificate.start({
    authority: state.authority,
    rootNamespace,
    host: options.host,
    clock,
    random,
    use: (credentials) => doors.api.use(credentials),
    failed: (error) => log.error({ error }, 'the certificate of the API could not be renewed'),
  });
  teardown.add('server certificate', () => certificate.stop());
  const watch = watchHierarchy({
    ...state,
    ...mesh,
    clock,
    replaceOwn: (authorities) => certificate.replace(authorities),
    ticked: () => certificate.check(),
    bundleChanged: () =>
      void writeCaFile(directory, state.authority).catch((error: unknown) =>
        log.error({ error }, 'the CA file could not be brought up to date'),
      ),
  });
  teardown.add('authorities', watch);
  teardown.add('expiry', await watchExpiry({ ...state, ...mesh, rootNamespace, clock, log }));
  for (const warning of state.authority.hierarchy.status().warnings) log.warn({ warning }, 'certificates');
  const lists = await CrlKeeper.start({ ...state, clock, log });
  teardown.add('revocation lists', () => lists.stop());
  const { revocations } = state.authority;
  teardown.add(
    'watches',
    revocations.onRevoked(() => certificate.replaceRevoked((own) => revocations.of(own) !== undefined)),
  );
}

/** Host part of a URL that reaches what listens on an address. */
function authority(host: string): string {
  if (host === '0.0.0.0' || host === '::') {
    return LOOPBACK;
  }
  return host.includes(':') ? `[${host}]` : host;
}
