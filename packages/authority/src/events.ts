import { isAgentId } from '@rampart/core';
import type { SpiffeId } from '@rampart/core';
import type { AuditEvent } from '@rampart/journal';
import type { Requester } from './authority.ts';
import type { CertificateRecord, JoinTokenRecord, WorkloadIdentity } from './store.ts';

/** A workload that asked to be attested, as far as it is known: by its token, when that is a token of ours. */
export interface Newcomer {
  readonly token: Pick<JoinTokenRecord, 'spiffeId' | 'workload'> | undefined;
  /** Names the token without giving it away. */
  readonly tokenId: string;
  readonly sourceIp: string;
}

/** A workload that asked for its next certificate. */
export interface Renewer {
  readonly peer: SpiffeId;
  readonly peerSerial: string;
  readonly sourceIp: string;
}

/** Why somebody is refused. */
export interface Refusal {
  /** Stable, for records and tests: "csr-curve". */
  readonly rule: string;
  readonly message: string;
}

export function tokenCreated(
  token: { readonly spiffeId: SpiffeId; readonly expiresAt: number; readonly tokenId: string },
  workload: WorkloadIdentity | undefined,
  by: Requester,
): AuditEvent {
  const details = {
    spiffe_id: token.spiffeId.toString(),
    token_id: token.tokenId,
    expires_at: new Date(token.expiresAt).toISOString(),
    labels: workload?.labels ?? {},
  };
  return {
    eventType: 'JOIN_TOKEN_CREATED',
    serviceName: workload?.service ?? '',
    identity: by.name,
    sourceIp: by.sourceIp,
    result: 'SUCCESS',
    details,
  };
}

export function attestationDenied({ token, tokenId, sourceIp }: Newcomer, { rule, message }: Refusal): AuditEvent {
  const details = { rule, reason: message, token_id: tokenId };
  return { eventType: 'ATTESTATION_DENIED', ...subjectOf(token), sourceIp, result: 'DENIED', details };
}

export function attested({ token, tokenId, sourceIp }: Newcomer, serial: string): readonly AuditEvent[] {
  const common = { ...subjectOf(token), sourceIp, result: 'SUCCESS' } as const;
  return [
    { ...common, eventType: 'ATTESTATION_SUCCESS', details: { attestor: 'join_token', token_id: tokenId } },
    {
      ...common,
      eventType: 'CERTIFICATE_ISSUED',
      details: { kind: token?.workload === undefined ? 'agent' : 'workload', serial },
    },
  ];
}

export function renewed(
  { peer, peerSerial, sourceIp }: Renewer,
  workload: WorkloadIdentity | undefined,
  serial: string,
): AuditEvent {
  // In the order in which they are printed, here and above: what is in order need not be sorted.
  const details = { kind: isAgentId(peer) ? 'agent' : 'workload', previous_serial: peerSerial, serial };
  return {
    eventType: 'CERTIFICATE_RENEWED',
    serviceName: workload?.service ?? '',
    identity: peer.toString(),
    sourceIp,
    result: 'SUCCESS',
    details,
  };
}

export function renewalDenied({ peer, peerSerial, sourceIp }: Renewer, { rule, message }: Refusal): AuditEvent {
  return {
    eventType: 'RENEWAL_DENIED',
    identity: peer.toString(),
    sourceIp,
    result: 'DENIED',
    details: { rule, reason: message, serial: peerSerial },
  };
}

export function certificateRevoked(
  { serial, spiffeId, workload }: CertificateRecord,
  reason: string,
  by: Requester,
): AuditEvent {
  const details = { serial, spiffe_id: spiffeId, reason };
  return {
    eventType: 'CERTIFICATE_REVOKED',
    serviceName: workload?.service ?? '',
    identity: by.name,
    sourceIp: by.sourceIp,
    result: 'SUCCESS',
    details,
  };
}

function subjectOf(token: Newcomer['token']): { serviceName: string; identity: string } {
  return { serviceName: token?.workload?.service ?? '', identity: token?.spiffeId ?? '' };
}
