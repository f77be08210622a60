import { RampartError } from '@rampart/core';
import type { JsonValue } from './canonical-json.ts';
import type { JournalEntry } from './store.ts';

/** How what was asked for ended: done, refused by a rule, or not possible. */
export type AuditResult = 'SUCCESS' | 'DENIED' | 'FAILURE';

type Details = { readonly [name: string]: JsonValue };

/** Something to put on the audit record. Fields that do not apply are left out and recorded as "". */
export interface AuditEvent {
  /** "REGISTRATION", "ATTESTATION_DENIED"… */
  readonly eventType: string;
  readonly serviceName?: string;
  readonly instanceId?: string;
  /** SPIFFE ID (or operator) that asked. */
  readonly identity?: string;
  readonly sourceIp?: string;
  readonly result: AuditResult;
  /** Never a secret, token or private key. */
  readonly details?: Details;
  /** Texts that stand in the details beside the others, and are not cut at the length of what anybody may send: documents that were accepted. */
  readonly documents?: { readonly [name: string]: string };
  /** Joins the records of one request. */
  readonly correlationId?: string;
}

/** An audit record in the form in which it is handed out, one JSON object a line. */
export interface AuditRecord {
  /** RFC 3339, milliseconds, UTC. */
  readonly timestamp: string;
  readonly event_type: string;
  readonly service_name: string;
  readonly instance_id: string;
  readonly identity: string;
  readonly source_ip: string;
  readonly result: AuditResult;
  readonly details: Details;
  /** Name of the control plane that recorded it. */
  readonly registry_node: string;
  /** Position in the journal. */
  readonly sequence: number;
  readonly correlation_id: string;
  /** Hex hash of the entry in the journal's Merkle tree (RFC 9162 §2.1.1); covers every other field. */
  readonly leaf_hash: string;
}

/** What the journal adds to an event: when, where and which. */
export type AuditStamp = Pick<AuditRecord, 'timestamp' | 'registry_node' | 'sequence'>;

/** What the journal stores for an event. */
export function auditBody(event: AuditEvent, stamp: AuditStamp): Omit<AuditRecord, 'leaf_hash'> {
  // In the order in which they are printed: what is in order need not be sorted.
  return {
    correlation_id: tame(event.correlationId ?? ''),
    details: detailsOf(event),
    event_type: event.eventType,
    identity: tame(event.identity ?? ''),
    instance_id: tame(event.instanceId ?? ''),
    registry_node: stamp.registry_node,
    result: event.result,
    sequence: stamp.sequence,
    service_name: tame(event.serviceName ?? ''),
    source_ip: tame(event.sourceIp ?? ''),
    timestamp: stamp.timestamp,
  };
}

/** Refused input is recorded too: text of any length that may have no UTF-8 form. */
const MAX_TEXT = 2048;
const MAX_DOCUMENT = 1024 * 1024;

function detailsOf({ details = {}, documents }: AuditEvent): Details {
  const tamed = tame(details);
  return documents === undefined ? tamed : { ...tamed, ...wholeTexts(documents) };
}

function tame(value: string): string;
function tame(value: Details): Details;
function tame(value: JsonValue): JsonValue;
function tame(value: JsonValue): JsonValue {
  if (typeof value === 'string') return cut(value, MAX_TEXT);
  // Nearly everything is: what need not be changed need not be copied.
  if (typeof value !== 'object' || value === null || isTame(value)) return value;
  return isList(value) ? value.map((item) => tame(item)) : tameMembers(value);
}

function wholeTexts(documents: { readonly [name: string]: string }): Details {
  return Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, cut(text, MAX_DOCUMENT)]));
}

function cut(text: string, most: number): string {
  return (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed();
}

function tameMembers(members: Details): Details {
  return Object.fromEntries(Object.entries(members).map(([key, item]) => [tame(key), tame(item)]));
}

function isTame(value: JsonValue): boolean {
  if (typeof value === 'string') return value.length <= MAX_TEXT && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (isList(value)) return value.every((item) => isTame(item));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key of Object.keys(value)) if (!isTame(key) || !isTame(value[key] ?? null)) return false;
  return true;
}

/** `Array.isArray` does not see readonly arrays. */
function isList(value: readonly JsonValue[] | Details): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The audit record that an entry of the stream `audit` holds that has not expired, fields in the published order. */
export function auditRecord(entry: JournalEntry): AuditRecord {
  if (entry.stream !== 'audit') {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `journal entry ${entry.sequence} is of the stream ${entry.stream}, not of audit`,
    );
  }
  // The body is what `Journal.audit` printed and the leaf hash covers.
  const body = JSON.parse(entry.body) as Omit<AuditRecord, 'leaf_hash'>;
  return {
    timestamp: body.timestamp,
    event_type: body.event_type,
    service_name: body.service_name,
    instance_id: body.instance_id,
    identity: body.identity,
    source_ip: body.source_ip,
    result: body.result,
    details: body.details,
    registry_node: body.registry_node,
    sequence: body.sequence,
    correlation_id: body.correlation_id,
    leaf_hash: entry.leafHash,
  };
}
