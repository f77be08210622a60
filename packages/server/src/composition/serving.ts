import type { Clock } from '@rampart/core';
import type { AgentNetworks } from '@rampart/registry';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import {
  AdminService,
  AgentService,
  ApiTokenService,
  ControlService,
  IdentityService,
  AuditService,
  LedgerService,
  NonceService,
  QuotaService,
  RegistryService,
  RevocationService,
  MAX_BLOCK_BYTES,
  TelemetryService,
  TrustService,
} from '@rampart/wire';
import { agentStateOf } from '../agents/agent-state.ts';
import { CheckIntake } from '../agents/check-intake.ts';
import { HostChecks } from '../agents/host-checks.ts';
import { createApiHandler, LARGEST_MESSAGE_BYTES, SMALLEST_COMPRESSED_BYTES } from '../doors/api-handler.ts';
import type { CallerLimits } from '../doors/limits/caller-limits.ts';
import { peerVerifier } from '../doors/peer.ts';
import { createAdminService } from '../doors/services/admin/admin-service.ts';
import { createAgentService } from '../doors/services/agent-service.ts';
import { createApiTokenService } from '../doors/services/api-tokens/api-token-service.ts';
import { createControlService } from '../doors/services/control-service.ts';
import { createDirectIdentity, createIdentityService } from '../doors/services/identity-service.ts';
import { type AuditServiceOptions, createAuditService } from '../doors/services/audit-service.ts';
import { createLedgerService } from '../doors/services/ledger-service.ts';
import { createNonceService } from '../doors/services/nonce-service.ts';
import { createQuotaService } from '../doors/services/quota-service.ts';
import {
  createDirectFind,
  createRegistryService,
  type RegistryParts,
} from '../doors/services/registry/registry-service.ts';
import { createRevocationService } from '../doors/services/revocation-service.ts';
import { createTelemetryService } from '../doors/services/telemetry-service.ts';
import { createTrustService } from '../doors/services/trust/trust-service.ts';
import { Ledger } from '../ledger/ledger.ts';
import { Quotas } from '../quotas/quotas.ts';
import { PolicyDesk } from '../resources/policy-desk.ts';
import { attestedWorkloads } from '../storage/stores/attested-workloads.ts';
import type { Telemetry } from '../telemetry/open-telemetry.ts';
import { VERSION } from '../version.ts';
import { certifyDoor } from './certified-door.ts';
import type { Doors } from './doors.ts';
import { guardsOf } from './guards.ts';
import type { Mesh } from './mesh.ts';
import { GRACE_MS, type Start } from './start.ts';
import type { State } from './state.ts';

const CONTROL_SIZE = { readMaxBytes: 256 * 1024 };
const IDENTITY_SIZE = { largestMessage: LARGEST_MESSAGE_BYTES, smallestCompressed: SMALLEST_COMPRESSED_BYTES };
const FIND_SIZE = { largestMessage: CONTROL_SIZE.readMaxBytes, smallestCompressed: SMALLEST_COMPRESSED_BYTES };

const LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024;
/** Ten thousand serial numbers, however they are written. */
const LARGEST_REVOCATION_BYTES = 1024 * 1024;

/** What 500 checks say. */
const LARGEST_CHECKS_BYTES = 1024 * 1024;

/** A full record block and the refused connections beside it. */
const LARGEST_REPORT_BYTES = MAX_BLOCK_BYTES + 1024 * 1024;

export interface Serving {
  readonly doors: Doors;
  readonly state: State;
  readonly mesh: Mesh;
  readonly telemetry: Telemetry;
}

function deskOf({ options }: Start, state: State, { dataPlanes }: Mesh): PolicyDesk {
  const { resources, registry, guard, journal, authority, trust } = state;
  const { clock, rootNamespace, trustDomain } = options;
  const longestLives = { certificateMs: authority.lifetimes.longestWorkloadMs, tokenMs: trust.jwt.longestSvidMs };
  return new PolicyDesk({
    resources,
    journal,
    clock,
    rootNamespace,
    trustDomain,
    longestLives,
    isRegistered: (service) => registry.lookup(service) !== undefined || guard.approvals.isApproved(service),
    servedPorts: (service) => new Set(registry.lookup(service)?.instances.map(({ port }) => port)),
    planes: () => dataPlanes.enforcing(),
  });
}

function registryPartsOf(
  { options: { clock } }: Start,
  { registry, database, guard }: State,
  limits: CallerLimits,
): RegistryParts {
  return { registry, clock, guard, limits, attestedAs: attestedWorkloads(database) };
}

function agentServiceOf(
  { options: { clock, log }, metrics, teardown }: Start,
  { state, mesh }: Pick<Serving, 'state' | 'mesh'>,
  limits: CallerLimits,
): ReturnType<typeof createAgentService> {
  const { authority, journal, registry, guard } = state;
  const networks = (): AgentNetworks => guard.policies.current().agentNetworks;
  const hostChecks = new HostChecks(registry.discovery);
  teardown.add('watches', () => hostChecks.close());
  const intake = new CheckIntake({
    registry,
    journal,
    agents: authority.agents,
    networks,
    clock,
    failed: (error) => log.error({ error }, 'a refused report of a check could not be recorded'),
  });
  return createAgentService(agentStateOf({ ...state, clock, hostChecks, networks }), {
    ...mesh,
    metrics,
    limits,
    intake,
  });
}

function auditDesk({ database, journal, guard }: State, clock: Clock): Omit<AuditServiceOptions, 'clock'> {
  return {
    auditSql: database.engine.auditSql(clock),
    journal,
    allowedServices: () => guard.allowedServices(),
  };
}

function quotasOf(
  { options: { rootNamespace, clock } }: Start,
  { resources }: State,
): ReturnType<typeof createQuotaService> {
  return createQuotaService(new Quotas({ rootNamespace, clock, resource: (key) => resources.get(key)?.resource }));
}

function adminServiceOf(
  { options: { clock, trustDomain, rootNamespace } }: Start,
  { state, mesh, telemetry, desk }: Omit<Serving, 'doors'> & { readonly desk: PolicyDesk },
): ReturnType<typeof createAdminService> {
  return createAdminService({
    ...state,
    desk,
    ...mesh,
    ...telemetry,
    clock,
    trustDomain,
    rootNamespace,
    version: VERSION,
    startedAt: clock.now(),
    revision: () => state.feed.revision,
  });
}

/** From here on calls are answered. */
export async function serve(parts: Start, { doors, state, mesh, telemetry }: Serving): Promise<void> {
  const { options, metrics } = parts;
  const { clock, log, rootNamespace } = options;
  const { authority: issuer, apiTokens } = state;
  const { failures, gate, limits, registryTokens, unread } = guardsOf(parts, state);
  const verifier = peerVerifier(clock, issuer);
  const desk = deskOf(parts, state, mesh);
  const quotas = quotasOf(parts, state);
  const registry = registryPartsOf(parts, state, limits);
  const identity = createIdentityService({ authority: issuer, metrics, failures, limits });
  const admin = adminServiceOf(parts, { state, mesh, telemetry, desk });
  const shutdown = new AbortController();
  doors.api.serve(
    createApiHandler({
      gate,
      unread,
      signedAnswers: doors.signedAnswers,
      verifier,
      apiTokens,
      log,
      metrics,
      clock,
      documents: state.documents,
      shutdown: shutdown.signal,
      routes: (router: ConnectRouter) => {
        router
          .service(IdentityService, identity)
          .service(AgentService, agentServiceOf(parts, { state, mesh }, limits), {
            readMaxBytes: LARGEST_CHECKS_BYTES,
          });
        router.service(ControlService, createControlService(mesh.dataPlanes), CONTROL_SIZE);
        router.service(TelemetryService, createTelemetryService(telemetry.intake), {
          readMaxBytes: LARGEST_REPORT_BYTES,
        });
        router.service(QuotaService, quotas, CONTROL_SIZE);
        router.service(NonceService, createNonceService(state.seenNonces), CONTROL_SIZE);
        router.service(ApiTokenService, createApiTokenService(apiTokens));
        router.service(TrustService, createTrustService({ ...state, clock, rootNamespace }));
        router.service(AuditService, createAuditService({ ...auditDesk(state, clock), clock }));
        router.service(LedgerService, createLedgerService(new Ledger(state)));
        router.service(RevocationService, createRevocationService({ ...state, ...mesh }), {
          readMaxBytes: LARGEST_REVOCATION_BYTES,
        });
        router.service(RegistryService, createRegistryService(registry), CONTROL_SIZE);
        router.service(AdminService, admin, { readMaxBytes: LARGEST_DOCUMENT_BYTES });
      },
      direct: [createDirectFind(registry, FIND_SIZE), ...createDirectIdentity(identity, IDENTITY_SIZE)],
    }),
  );
  doors.registry.serve(state, { verifier, failures, limits, registryTokens, desk });
  await certifyDoor(parts, { doors, state, mesh });
  endCallsWith(parts, { doors, mesh }, shutdown);
}

/** Calls that are running end before what they work with. */
function endCallsWith(
  { teardown }: Start,
  { doors, mesh }: Pick<Serving, 'doors' | 'mesh'>,
  shutdown: AbortController,
): void {
  teardown.add('calls', async () => {
    mesh.dataPlanes.close();
    shutdown.abort(new ConnectError('the control plane is stopping', Code.Unavailable));
    await doors.api.close(GRACE_MS);
  });
}
