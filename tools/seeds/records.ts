import type { AccessLogRecord } from '@rampart/core';
import type { AuditRecord } from '@rampart/journal';
import { judgeServiceToken } from './service-tokens.ts';
import type { ServiceClaims } from './token-service.ts';
import { accepted, refused } from './verdict.ts';
import type { SeedVerdict } from './verdict.ts';

type FieldType = 'string' | 'number' | 'object';
/** Every field of a record with the type its JSON has: a new field does not compile until it is listed here. */
type FieldTypes<T> = Readonly<Record<keyof T, FieldType>>;

const accessLogFields: FieldTypes<AccessLogRecord> = {
  timestamp: 'string',
  source_principal: 'string',
  destination_service: 'string',
  request_method: 'string',
  request_path: 'string',
  response_code: 'number',
  response_flags: 'string',
  authority: 'string',
  upstream_host: 'string',
  duration_ms: 'number',
  bytes_received: 'number',
  bytes_sent: 'number',
  x_forwarded_for: 'string',
  user_agent: 'string',
  request_id: 'string',
  authorization_decision: 'string',
  authorization_policy: 'string',
  source_workload: 'string',
  destination_principal: 'string',
  protocol: 'string',
  tls_version: 'string',
  trace_id: 'string',
  span_id: 'string',
  parent_span_id: 'string',
  reporter: 'string',
  jwt_principal: 'string',
  reason: 'string',
  policy_revision: 'number',
  audit_policies: 'string',
  dry_run_decision: 'string',
  dry_run_policies: 'string',
};

const auditFields: FieldTypes<AuditRecord> = {
  timestamp: 'string',
  event_type: 'string',
  service_name: 'string',
  instance_id: 'string',
  identity: 'string',
  source_ip: 'string',
  result: 'string',
  details: 'object',
  registry_node: 'string',
  sequence: 'number',
  correlation_id: 'string',
  leaf_hash: 'string',
};

/** A JSON object of a seed: an access-log or audit record holds every field of it, claims of a token let it in. */
export async function judgeJson(text: string): Promise<SeedVerdict> {
  const value = JSON.parse(text) as Record<string, unknown>;
  if ('authorization_decision' in value) return compare('access-log record', value, accessLogFields);
  if ('event_type' in value) return compare('audit record', value, auditFields);
  if (isServiceClaims(value)) return judgeServiceToken(value);
  return refused(`no part of the product knows this object: ${Object.keys(value).join(', ')}`);
}

function isServiceClaims(value: object): value is ServiceClaims {
  return 'iss' in value && 'scope' in value && 'exp' in value && typeof value.exp === 'number';
}

function compare(
  what: string,
  value: Record<string, unknown>,
  fields: Readonly<Record<string, FieldType>>,
): SeedVerdict {
  const problems = Object.entries(value).flatMap(([field, content]) => {
    const expected = fields[field];
    if (expected === undefined) return [`our ${what} has no ${field}`];
    return typeof content === expected ? [] : [`${field} is ${typeof content} here, ${expected} in our ${what}`];
  });
  return problems.length === 0
    ? accepted(`${what}, ${Object.keys(value).length} fields`)
    : refused(problems.join('; '));
}

/** A list of what every request's record has to hold: each item names the fields of ours that hold it. */
const loggedItems: Readonly<Record<string, readonly (keyof AccessLogRecord)[]>> = {
  Timestamp: ['timestamp'],
  'Source service account': ['source_principal'],
  'HTTP method and path': ['request_method', 'request_path'],
  'Response status code': ['response_code'],
  'Request duration': ['duration_ms'],
};

export function judgeLoggedItems(items: readonly string[]): SeedVerdict {
  const missing = items.filter((item) => loggedItems[item]?.every((field) => field in accessLogFields) !== true);
  return missing.length === 0
    ? accepted(`access-log fields for ${items.length} items`)
    : refused(`no access-log field holds: ${missing.join(', ')}`);
}
