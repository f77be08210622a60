import { readFileSync } from 'node:fs';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { createCsr, generateKeyPair, toPem } from '@rampart/spiffe';
import {
  AdminService,
  ApiTokenService,
  AgentService,
  ControlService,
  IdentityService,
  AuditService,
  LedgerService,
  NonceService,
  QuotaService,
  RegistryService,
  RevocationService,
  TelemetryService,
  TrustService,
  type SvidResponse,
} from '@rampart/wire';
import { readingAhead } from '@rampart/wire/reading-ahead';
import type { ControlPlane } from '../control-plane.ts';

/** A certificate with its key, as PEM. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

/** The API as one caller sees it, over a connection of its own. */
export interface ApiClient {
  readonly identity: Client<typeof IdentityService>;
  readonly control: Client<typeof ControlService>;
  readonly telemetry: Client<typeof TelemetryService>;
  readonly admin: Client<typeof AdminService>;
  readonly ledger: Client<typeof LedgerService>;
  readonly audit: Client<typeof AuditService>;
  readonly quotas: Client<typeof QuotaService>;
  readonly nonces: Client<typeof NonceService>;
  readonly registry: Client<typeof RegistryService>;
  readonly revocation: Client<typeof RevocationService>;
  readonly trust: Client<typeof TrustService>;
  readonly tokens: Client<typeof ApiTokenService>;
  readonly agent: Client<typeof AgentService>;
  close(): void;
}

export function connectTo(
  plane: ControlPlane,
  caller: { readonly credentials?: Credentials; readonly token?: string } = {},
): ApiClient {
  const { credentials, token } = caller;
  const manager = readingAhead(
    new Http2SessionManager(plane.addresses.api, undefined, {
      ca: readFileSync(plane.caFile, 'utf8'),
      minVersion: 'TLSv1.3',
      ...(credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.key }),
    }),
  );
  const transport: Transport = createConnectTransport({
    baseUrl: plane.addresses.api,
    httpVersion: '2',
    useBinaryFormat: true,
    sessionManager: manager,
    interceptors:
      token === undefined
        ? []
        : [
            (next) => (request) => {
              request.header.set('authorization', `Bearer ${token}`);
              return next(request);
            },
          ],
  });
  return {
    identity: createClient(IdentityService, transport),
    control: createClient(ControlService, transport),
    telemetry: createClient(TelemetryService, transport),
    quotas: createClient(QuotaService, transport),
    nonces: createClient(NonceService, transport),
    admin: createClient(AdminService, transport),
    ledger: createClient(LedgerService, transport),
    audit: createClient(AuditService, transport),
    registry: createClient(RegistryService, transport),
    revocation: createClient(RevocationService, transport),
    trust: createClient(TrustService, transport),
    tokens: createClient(ApiTokenService, transport),
    agent: createClient(AgentService, transport),
    close: () => manager.abort(),
  };
}

export function connectAsAdmin(plane: ControlPlane): ApiClient {
  return connectTo(plane, { token: readFileSync(plane.adminTokenFile, 'utf8').trim() });
}

export interface AttestedWorkload {
  readonly response: SvidResponse;
  readonly credentials: Credentials;
}

export interface WorkloadOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly service?: string;
  readonly labels?: Record<string, string>;
}

/** Takes a workload through its whole way to a certificate. */
export async function attest(plane: ControlPlane, workload: WorkloadOptions): Promise<AttestedWorkload> {
  const admin = connectAsAdmin(plane);
  const anyone = connectTo(plane);
  try {
    const { token } = await admin.admin.createJoinToken({ workload: { service: '', labels: {}, ...workload } });
    const keyPair = generateKeyPair();
    const response = await anyone.identity.attest({
      evidence: { case: 'joinToken', value: token },
      csr: createCsr(keyPair),
    });
    return {
      response,
      credentials: { certificate: response.chain.map((der) => toPem(der)).join(''), key: keyPair.privateKeyPem() },
    };
  } finally {
    admin.close();
    anyone.close();
  }
}
