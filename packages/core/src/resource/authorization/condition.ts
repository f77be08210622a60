import { parseIpBlock } from '../../policy/match/address/ip-block.ts';
import { portProblem } from './operation.ts';
import { parseConditionKey, type ConditionKey } from './condition-key.ts';
import type { Cursor } from '../cursor.ts';
import { serviceAccountProblem, trustDomainPatternProblem } from './identity-pattern.ts';
import { parsesWith, textList, type ValueCheck } from '../text-list.ts';

/** One attribute and the values it may or may not have. */
export interface AuthorizationCondition {
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}

const ipBlock = parsesWith(parseIpBlock);
const VALUE_CHECKS: Partial<Record<ConditionKey['attribute'], ValueCheck>> = {
  'source.ip': ipBlock,
  'remote.ip': ipBlock,
  'destination.ip': ipBlock,
  'destination.port': portProblem,
  'source.serviceAccount': serviceAccountProblem,
  'source.trustDomain': trustDomainPatternProblem,
};

export function readConditions(at: Cursor): AuthorizationCondition[] | undefined {
  return at.list(readCondition, 'a list of conditions');
}

function readCondition(at: Cursor): AuthorizationCondition | undefined {
  const key = at.child('key');
  const parsed = typeof key.value === 'string' ? parseConditionKey(key.value) : undefined;
  const values = textList(parsed?.ok === true ? VALUE_CHECKS[parsed.value.attribute] : undefined);
  const fields = at.fields<AuthorizationCondition>({ key: (text) => text.text(), values, notValues: values });
  if (fields === undefined) return undefined;
  if (key.value === undefined) return at.error('needs a key');
  if (parsed?.ok === false && fields.key !== undefined) return key.error(parsed.problem);
  if (isEmpty(at.child('values')) && isEmpty(at.child('notValues'))) return at.error('needs values or notValues');
  return fields.key === undefined ? undefined : { ...fields, key: fields.key };
}

function isEmpty(at: Cursor): boolean {
  return at.value === undefined || (Array.isArray(at.value) && at.value.length === 0);
}
