import type { AccessLogRecord, ConnectionRefusal, ConnectionRefusalKind } from '@rampart/core';
import { fieldText, parseRecords, type RecordFields } from './record-fields.ts';

/** One line of the log: a request, or a connection that was refused before there was one. */
export type LogEntry =
  | { readonly kind: 'request'; readonly json: string; readonly record: AccessLogRecord }
  | { readonly kind: 'refusal'; readonly json: string; readonly record: ConnectionRefusal };

/** The entries of one answer of the control plane, in the order in which they happened. */
export function readEntries(answer: {
  readonly records: readonly string[];
  readonly connections: readonly string[];
}): LogEntry[] {
  const entries: LogEntry[] = [
    ...answer.records.map((json): LogEntry => ({ kind: 'request', json, record: readRequest(json) })),
    ...answer.connections.map((json): LogEntry => ({ kind: 'refusal', json, record: readRefusal(json) })),
  ];
  return inOrder(entries);
}

/** Entries in the order in which they happened. */
export function inOrder(entries: readonly LogEntry[]): LogEntry[] {
  return entries.toSorted((one, other) => compare(one.record.timestamp, other.record.timestamp));
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** A request as the log stores it: JSON text of one record; what is missing is empty. */
function readRequest(json: string): AccessLogRecord {
  const fields = fieldsOf(json);
  const text = (name: keyof AccessLogRecord): string => fieldText(fields, name);
  const number = (name: keyof AccessLogRecord): number => Number(fields[name] ?? 0);
  return {
    timestamp: text('timestamp'),
    source_principal: text('source_principal'),
    destination_service: text('destination_service'),
    request_method: text('request_method'),
    request_path: text('request_path'),
    response_code: number('response_code'),
    response_flags: text('response_flags'),
    authority: text('authority'),
    upstream_host: text('upstream_host'),
    duration_ms: number('duration_ms'),
    bytes_received: number('bytes_received'),
    bytes_sent: number('bytes_sent'),
    x_forwarded_for: text('x_forwarded_for'),
    user_agent: text('user_agent'),
    request_id: text('request_id'),
    authorization_decision: text('authorization_decision') === 'ALLOW' ? 'ALLOW' : 'DENY',
    authorization_policy: text('authorization_policy'),
    source_workload: text('source_workload'),
    destination_principal: text('destination_principal'),
    protocol: text('protocol'),
    tls_version: text('tls_version'),
    trace_id: text('trace_id'),
    span_id: text('span_id'),
    parent_span_id: text('parent_span_id'),
    reporter: text('reporter') === 'source' ? 'source' : 'destination',
    jwt_principal: text('jwt_principal'),
    reason: text('reason'),
    policy_revision: number('policy_revision'),
    audit_policies: text('audit_policies'),
    dry_run_decision: dryRunDecision(text('dry_run_decision')),
    dry_run_policies: text('dry_run_policies'),
  };
}

function dryRunDecision(text: string): AccessLogRecord['dry_run_decision'] {
  return text === 'ALLOW' || text === 'DENY' ? text : '';
}

/** A refused connection as the log stores it. */
function readRefusal(json: string): ConnectionRefusal {
  const fields = fieldsOf(json);
  return {
    timestamp: fieldText(fields, 'timestamp'),
    kind: fieldText(fields, 'kind') as ConnectionRefusalKind,
    reason: fieldText(fields, 'reason'),
    destination_service: fieldText(fields, 'destination_service'),
    remote_address: fieldText(fields, 'remote_address'),
    local_port: Number(fields['local_port'] ?? 0),
    peer: fieldText(fields, 'peer'),
    reported_by: fieldText(fields, 'reported_by'),
  };
}

function fieldsOf(json: string): RecordFields {
  return parseRecords([json])[0] ?? {};
}
