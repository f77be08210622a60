import { hash } from 'node:crypto';
import type { AuditEvent, JournalBody, StampedBodyOf } from '@rampart/journal';
import type { IssuedJwtSvid, JwtRequester, JwtSvidRequest } from './jwt-svid-issuer.ts';
import type { JwtKeyRecord } from './store.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** The ledger's entry of a token: enough to recognise it, and nothing that could be used in its place. */
export function jwtSvidEntry(
  { token, spiffeId, id, keyId, issuedAt, expiresAt }: IssuedJwtSvid,
  { audiences, requestedBy, entryId = '' }: JwtSvidRequest,
): StampedBodyOf {
  // In the order in which they are printed: what is in order need not be sorted.
  return ({ registry_node, sequence, timestamp }) => ({
    audience: audiences,
    entry: entryId,
    event_type: 'JWT_SVID_ISSUED',
    jwt_id: id,
    key_id: keyId,
    not_after: expiresAt,
    not_before: issuedAt,
    registry_node,
    requested_by: requestedBy,
    sequence,
    spiffe_id: spiffeId.toString(),
    timestamp,
    token_sha256: hash('sha256', token, 'hex'),
  });
}

export function jwtSvidIssued(
  { spiffeId, id, keyId, expiresAt }: IssuedJwtSvid,
  { audiences, requestedBy, sourceIp, entryId = '' }: JwtSvidRequest,
): AuditEvent {
  return {
    eventType: 'JWT_SVID_ISSUED',
    identity: requestedBy,
    sourceIp,
    result: 'SUCCESS',
    details: {
      audience: audiences,
      entry: entryId,
      expires_at: iso(expiresAt),
      jwt_id: id,
      key_id: keyId,
      spiffe_id: spiffeId.toString(),
    },
  };
}

export function jwtSvidDenied(
  { spiffeId, audiences, requestedBy, sourceIp, entryId = '' }: JwtSvidRequest,
  reason: string,
): AuditEvent {
  return {
    eventType: 'JWT_SVID_DENIED',
    identity: requestedBy,
    sourceIp,
    result: 'DENIED',
    details: { entry: entryId, spiffe_id: spiffeId.toString(), audience: audiences, reason },
  };
}

/** A key's public part is no secret; its thumbprint names it. */
export function jwtKeyEntry(
  type: 'JWT_KEY_PREPARED' | 'JWT_KEY_RETIRED' | 'JWT_KEY_REVOKED',
  key: JwtKeyRecord,
  by: string,
): JournalBody {
  return {
    event_type: type,
    key_id: key.keyId,
    requested_by: by,
    active_from: key.activeFrom,
    not_after: key.notAfter,
    public_key_sha256: hash('sha256', key.publicKeyDer, 'hex'),
  };
}

export function jwtKeyEvent(
  type: 'JWT_KEY_PREPARED' | 'JWT_KEY_RETIRED' | 'JWT_KEY_REVOKED',
  key: JwtKeyRecord,
  { requestedBy, sourceIp }: JwtRequester,
): AuditEvent {
  return {
    eventType: type,
    identity: requestedBy,
    sourceIp,
    result: 'SUCCESS',
    details: { key_id: key.keyId, active_from: iso(key.activeFrom), not_after: iso(key.notAfter) },
  };
}
