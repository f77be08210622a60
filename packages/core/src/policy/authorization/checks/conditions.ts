import { RampartError } from '../../../errors.ts';
import { parseConditionKey, type ConditionKey } from '../../../resource/authorization/condition-key.ts';
import type { AuthorizationCondition } from '../../../resource/authorization/condition.ts';
import {
  destinationIpChecks,
  namespaceChecks,
  portChecks,
  principalChecks,
  serverNameChecks,
  serviceAccountChecks,
  sourceIpChecks,
  trustDomainChecks,
  type CheckContext,
} from './connection-checks.ts';
import type { ConnectionCheck, RequestCheck } from './check.ts';
import type { FieldValues } from './field-values.ts';
import { headerChecks, remoteIpChecks } from './request-checks.ts';
import { claimChecks, requestPrincipalChecks } from './token-checks.ts';

/** Checks that must all hold. */
export interface CheckGroup {
  readonly connection: readonly ConnectionCheck[];
  readonly request: readonly RequestCheck[];
}

type Attribute = ConditionKey['attribute'];

const ABOUT_CONNECTIONS: Partial<Record<Attribute, (field: FieldValues, context: CheckContext) => ConnectionCheck[]>> =
  {
    'source.principal': principalChecks,
    'source.namespace': namespaceChecks,
    'source.serviceAccount': serviceAccountChecks,
    'source.trustDomain': trustDomainChecks,
    'source.ip': sourceIpChecks,
    'destination.ip': destinationIpChecks,
    'destination.port': portChecks,
    'connection.sni': serverNameChecks,
  };

const ABOUT_REQUESTS: Partial<Record<Attribute, (field: FieldValues) => RequestCheck[]>> = {
  'remote.ip': remoteIpChecks,
  'request.auth.principal': requestPrincipalChecks,
  'request.auth.audiences': (field) => claimChecks(field, ['aud']),
  'request.auth.presenter': (field) => claimChecks(field, ['azp']),
};

/** What one condition asks; `at` is where it stands. */
export function compileCondition(condition: AuthorizationCondition, at: string, context: CheckContext): CheckGroup {
  const key = parseConditionKey(condition.key);
  if (!key.ok) throw new RampartError('INVALID_ARGUMENT', `${at}.key: ${key.problem}`);
  const { attribute } = key.value;
  const field = { at, name: 'values', values: condition.values, notValues: condition.notValues };
  const connection = ABOUT_CONNECTIONS[attribute]?.(field, context);
  if (connection !== undefined) return { connection, request: [] };
  const request = keyedChecks(key.value, field) ?? ABOUT_REQUESTS[attribute]?.(field);
  if (request !== undefined) return { connection: [], request };
  throw new RampartError('UNSUPPORTED_FEATURE', `${at}.key: ${attribute} cannot be decided here`);
}

function keyedChecks(key: ConditionKey, field: FieldValues): RequestCheck[] | undefined {
  if (key.attribute === 'request.headers') return headerChecks(field, key.header);
  return key.attribute === 'request.auth.claims' ? claimChecks(field, key.claim) : undefined;
}
