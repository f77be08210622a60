import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import { type ConditionKey, parseConditionKey } from '../../resource/authorization/condition-key.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';

/** What an access log does not say, and a rule asks for all the same. */
export interface Unknown {
  /** "header x-tenant", "the caller's address", "JWT claims". */
  readonly what: string;
  /** "rules[0].when[1]". */
  readonly where: string;
}

/** What is known of requests beyond what every record says. */
export interface Knowledge {
  /** Whether "no token" on record means that there was none. */
  readonly tokenPrincipal: boolean;
}

const ADDRESS = "the caller's address";
const REMOTE_ADDRESS = "the client's address";
const TOKEN = 'the token of the end user';
const SOURCE_FIELDS: Readonly<Partial<Record<keyof AuthorizationSource, string>>> = {
  ipBlocks: ADDRESS,
  notIpBlocks: ADDRESS,
  remoteIpBlocks: REMOTE_ADDRESS,
  notRemoteIpBlocks: REMOTE_ADDRESS,
};
const CONDITIONS: Readonly<Partial<Record<ConditionKey['attribute'], string>>> = {
  'source.ip': ADDRESS,
  'remote.ip': REMOTE_ADDRESS,
  'request.auth.audiences': 'the audiences of the token',
  'request.auth.presenter': 'the presenter of the token',
  'destination.ip': 'the address that was called',
  'connection.sni': 'the server name of the connection',
};
/** Headers that records hold under a name of their own. */
const RECORDED_HEADERS: ReadonlySet<string> = new Set(['user-agent', ':method', ':authority', 'host']);

/** What a field of a source asks that records do not hold; undefined when they do, or it asks nothing. */
export function unknownOfSource(
  source: AuthorizationSource,
  field: keyof AuthorizationSource,
  knowledge: Knowledge,
): string | undefined {
  if ((source[field] ?? []).length === 0) return undefined;
  if (field === 'requestPrincipals' || field === 'notRequestPrincipals')
    return knowledge.tokenPrincipal ? undefined : TOKEN;
  return SOURCE_FIELDS[field];
}

/** What a condition asks that records do not hold; undefined when they do. */
export function unknownOfCondition({ key }: AuthorizationCondition, knowledge: Knowledge): string | undefined {
  const parsed = parseConditionKey(key);
  if (!parsed.ok) return undefined;
  const condition = parsed.value;
  if (condition.attribute === 'request.headers')
    return RECORDED_HEADERS.has(condition.header) ? undefined : `header ${condition.header}`;
  if (condition.attribute === 'request.auth.claims') return `the claim ${condition.claim.join('.')} of the token`;
  if (condition.attribute === 'experimental.envoy.filters') return `metadata of the filter ${condition.filter}`;
  if (condition.attribute === 'request.auth.principal') return knowledge.tokenPrincipal ? undefined : TOKEN;
  return CONDITIONS[condition.attribute];
}

/** Everything a rule asks that records do not hold. */
export function unknownsOfRule(rule: AuthorizationRule, index: number, knowledge: Knowledge): Unknown[] {
  const found: Unknown[] = [];
  (rule.from ?? []).forEach(({ source }, at) => {
    for (const field of fieldsOf(source)) {
      const what = unknownOfSource(source, field, knowledge);
      if (what !== undefined) found.push({ what, where: `rules[${index}].from[${at}].source.${field}` });
    }
  });
  (rule.when ?? []).forEach((condition, at) => {
    const what = unknownOfCondition(condition, knowledge);
    if (what !== undefined) found.push({ what, where: `rules[${index}].when[${at}]` });
  });
  return found;
}

export function fieldsOf(source: AuthorizationSource): (keyof AuthorizationSource)[] {
  return Object.keys(source) as (keyof AuthorizationSource)[];
}
