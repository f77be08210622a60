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

/** What one condition asks; `at` is where it stands. */
export function compileCondition(condition: AuthorizationCondition, at: string, context: CheckContext): CheckGroup {
  const key = parseConditionKey(condition.key);
  if (!key.ok) throw new RampartError('INVALID_ARGUMENT', `${at}.key: ${key.problem}`);
  const field = { at, name: 'values', values: condition.values, notValues: condition.notValues };
  const request = requestChecks(key.value, field);
  return request === undefined
    ? { connection: connectionChecks(key.value, field, context), request: [] }
    : { connection: [], request };
}

/** Undefined for a key that is not about a request. */
function requestChecks(key: ConditionKey, field: FieldValues): RequestCheck[] | undefined {
  switch (key.attribute) {
    case 'request.headers':
      return headerChecks(field, key.header);
    case 'request.auth.principal':
      return requestPrincipalChecks(field);
    case 'request.auth.audiences':
      return claimChecks(field, ['aud']);
    case 'request.auth.presenter':
      return claimChecks(field, ['azp']);
    case 'request.auth.claims':
      return claimChecks(field, key.claim);
    case 'remote.ip':
      return remoteIpChecks(field);
    default:
      return undefined;
  }
}

function connectionChecks({ attribute }: ConditionKey, field: FieldValues, context: CheckContext): ConnectionCheck[] {
  switch (attribute) {
    case 'source.principal':
      return principalChecks(field, context);
    case 'source.namespace':
      return namespaceChecks(field);
    case 'source.serviceAccount':
      return serviceAccountChecks(field, context);
    case 'source.trustDomain':
      return trustDomainChecks(field, context);
    case 'source.ip':
      return sourceIpChecks(field);
    case 'destination.ip':
      return destinationIpChecks(field);
    case 'destination.port':
      return portChecks(field);
    case 'connection.sni':
      return serverNameChecks(field);
    default:
      throw new RampartError('UNSUPPORTED_FEATURE', `${field.at}.key: ${attribute} cannot be decided here`);
  }
}
