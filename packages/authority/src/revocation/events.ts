import type { SpiffeId } from '@rampart/core';
import type { AuditEvent, JournalBody } from '@rampart/journal';
import type { Requester } from '../authority.ts';
import { certificatesIn, type LiftAct, type RevocationAct, type RuleAct } from './act.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** The ledger's entry of a rule: whom it is about says everything, for it may be any number of certificates. */
export function ruleEntry(act: RuleAct): JournalBody {
  return {
    event_type: typeOf(act).eventType,
    ...termsIn(act),
    ...groundsIn(act),
  };
}

function termsIn(act: RuleAct): Omit<JournalBody, 'event_type'> {
  return {
    spiffe_id: act.spiffeId ?? '',
    namespace: act.namespace ?? '',
    issuer: act.issuer?.name ?? '',
    issued_until: act.issuedUntil,
    not_before_until: act.notBeforeUntil,
    serials: act.certificates.map(({ serial }) => serial),
    barred: act.bar,
  };
}

function groundsIn({ id, reason, note, by, at }: RevocationAct): Omit<JournalBody, 'event_type'> {
  return { revocation: id, reason, note, requested_by: by, revoked_at: at };
}

export function ruleEvent(act: RuleAct, by: Requester, certificates: number): AuditEvent {
  const details = {
    revocation: act.id,
    spiffe_id: act.spiffeId ?? '',
    namespace: act.namespace ?? '',
    issuer: act.issuer?.serial ?? '',
    issued_until: iso(act.issuedUntil),
    certificates,
    barred: act.bar,
    reason: act.reason,
    note: act.note,
  };
  return { ...typeOf(act), identity: by.name, sourceIp: by.sourceIp, result: 'SUCCESS', details };
}

export function liftEntry({ id, spiffeId, note, by }: LiftAct): JournalBody {
  return { event_type: 'BAR_LIFTED', revocation: id, spiffe_id: spiffeId, note, requested_by: by };
}

export function liftEvent({ id, spiffeId, note }: LiftAct, by: Requester): AuditEvent {
  const details = { revocation: id, spiffe_id: spiffeId, note };
  return { eventType: 'BAR_LIFTED', identity: by.name, sourceIp: by.sourceIp, result: 'SUCCESS', details };
}

/** Somebody asks for a certificate or a token of an identity. */
export interface IdentityOrder {
  readonly spiffeId: SpiffeId;
  /** SPIFFE ID of the agent that asks; "" for the identity itself. */
  readonly requestedBy: string;
  readonly sourceIp: string;
}

/** By which whoever is barred is refused. */
export const BARRED_RULE = 'identity-barred';

/** An identity that asked for something while it is barred. */
export function barredEvent({ spiffeId, requestedBy, sourceIp }: IdentityOrder): AuditEvent {
  const id = spiffeId.toString();
  const details = { rule: BARRED_RULE, spiffe_id: id };
  return { eventType: 'ISSUANCE_DENIED', identity: requestedBy || id, sourceIp, result: 'DENIED', details };
}

/** A revocation that could not be made durable after its record was: it did not come about. */
export function failedEvent(act: RevocationAct, by: Requester): AuditEvent {
  const details = { revocation: act.id, kind: act.kind, reason: 'the revocation file could not be written' };
  return { eventType: 'REVOCATION_FAILED', identity: by.name, sourceIp: by.sourceIp, result: 'FAILURE', details };
}

/** Takes back what the ledger said of it before. */
export function failedEntry({ id, spiffeId, serials, by }: UnfinishedAct): JournalBody {
  return { event_type: 'REVOCATION_FAILED', revocation: id, spiffe_id: spiffeId, serials, requested_by: by };
}

/** What the ledger has of a revocation that did not come about. */
export interface UnfinishedAct {
  readonly id: string;
  readonly spiffeId: string;
  readonly serials: readonly string[];
  readonly by: string;
}

/** A revocation that was on record when its process died, before it was in force. */
export function unfinishedEvent({ id }: UnfinishedAct): AuditEvent {
  const details = { revocation: id, reason: 'the process ended before it was in force' };
  return { eventType: 'REVOCATION_FAILED', identity: 'authority', result: 'FAILURE', details };
}

export function unfinished(act: RevocationAct): UnfinishedAct {
  const spiffeId = act.kind === 'identity' || act.kind === 'lift' ? (act.spiffeId ?? '') : '';
  return { id: act.id, spiffeId, serials: certificatesIn(act).map(({ serial }) => serial), by: act.by };
}

/** A revocation that the database did not hold, as after an old copy of it was put back. */
export function restoredEvent(act: RevocationAct): AuditEvent {
  const details = { revocation: act.id, kind: act.kind, revoked_at: iso(act.at), revoked_by: act.by };
  return { eventType: 'REVOCATION_RESTORED', identity: 'authority', result: 'SUCCESS', details };
}

/** Says all that the entry said that went with the old database. */
export function restoredEntry(act: RevocationAct): JournalBody {
  return { event_type: 'REVOCATION_RESTORED', kind: act.kind, ...subjectOf(act), ...groundsIn(act) };
}

function subjectOf(act: RevocationAct): Omit<JournalBody, 'event_type'> {
  if (act.kind === 'lift') return { spiffe_id: act.spiffeId };
  if (act.kind === 'jwt-key') return { spiffe_id: '', key_id: act.keyId };
  if (act.kind !== 'certificates') return termsIn(act);
  return { spiffe_id: '', serials: act.certificates.map(({ serial }) => serial) };
}

function typeOf({ kind, bar }: RuleAct): Pick<AuditEvent, 'eventType'> {
  if (bar) return { eventType: 'IDENTITY_BARRED' };
  return kind === 'identity' ? { eventType: 'IDENTITY_REVOKED' } : { eventType: 'CERTIFICATES_REVOKED' };
}
