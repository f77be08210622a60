import { parseConditionKey, type ConditionKey } from '../authorization/condition-key.ts';
import type { Cursor } from '../cursor.ts';
import { textList } from '../text-list.ts';
import { readMatches, type RequestMatch } from './match.ts';

/** What requests are counted by. */
export type LimitKey =
  | 'source.principal'
  | 'source.namespace'
  | 'source.ip'
  | 'remote.ip'
  | 'request.auth.principal'
  | `request.headers[${string}]`;

export type LimitUnit = (typeof UNITS)[number];

/** How many requests may come in a time, or be under way; at least one of `requests` and `concurrency` is there. */
export interface RateLimitRule {
  /** In answers, logs and metrics; no two rules of a policy have the same. */
  readonly name: string;
  /** Any of them; absent: every request. */
  readonly match?: readonly RequestMatch[];
  /** What is counted apart: all of it together names one counter. Absent: one counter for the service. */
  readonly key?: readonly LimitKey[];
  /** So many in each `unit`, for ever. */
  readonly requests?: number;
  readonly unit?: LimitUnit;
  /** So many at once after a rest; absent: `requests`. */
  readonly burst?: number;
  /** So many under way at a time. */
  readonly concurrency?: number;
  /** Counted in all data planes of the service together, not in each. */
  readonly shared?: boolean;
}

const UNITS = ['SECOND', 'MINUTE', 'HOUR', 'DAY'] as const;
const SECONDS: Readonly<Record<LimitUnit, number>> = { SECOND: 1, MINUTE: 60, HOUR: 3600, DAY: 86_400 };

/** How long a unit is, in seconds. */
export function secondsOf(unit: LimitUnit): number {
  return SECONDS[unit];
}

const MAX_RULES = 128;
/** Parts of the name of a counter. */
export const MAX_KEYS = 4;
const MOST = 1_000_000_000;
const RANGE = { min: 1, max: MOST };
/** Also a key of a structured field, as RateLimit-Policy wants it (RFC 9651 §3.1.2). */
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

const KEYS: ReadonlySet<ConditionKey['attribute']> = new Set<ConditionKey['attribute']>([
  'source.principal',
  'source.namespace',
  'source.ip',
  'remote.ip',
  'request.auth.principal',
  'request.headers',
]);

export function readLimitRules(at: Cursor): RateLimitRule[] | undefined {
  const rules = at.list(readRule, 'a list of rules');
  const items = at.items() ?? [];
  const names = new Set<unknown>();
  for (const item of items) {
    const name = item.child('name');
    if (name.value !== undefined && names.has(name.value)) name.error('is the name of a rule above, too');
    names.add(name.value);
  }
  return items.length > MAX_RULES ? at.error(`must hold at most ${MAX_RULES} rules, holds ${items.length}`) : rules;
}

function readRule(at: Cursor): RateLimitRule | undefined {
  const fields = at.fields<RateLimitRule>({
    name: (name) =>
      name.checked((text) => (NAME.test(text) ? undefined : 'must be lower-case letters, digits and "-", at most 63')),
    match: readMatches,
    key: readKeys,
    requests: (requests) => requests.integer('a whole number', RANGE),
    unit: (unit) => unit.word(UNITS),
    burst: (burst) => burst.integer('a whole number', RANGE),
    concurrency: (concurrency) => concurrency.integer('a whole number', RANGE),
    shared: (shared) => shared.flag(),
  });
  if (fields === undefined) return undefined;
  checkTogether(at);
  const { name, ...rest } = fields;
  return name === undefined ? undefined : { ...rest, name };
}

function checkTogether(at: Cursor): void {
  const has = (field: keyof RateLimitRule): boolean => at.child(field).value !== undefined;
  if (!has('name')) at.error('needs a name: it stands in answers, logs and metrics');
  if (!has('requests') && !has('concurrency')) at.error('needs requests with their unit, or concurrency');
  if (has('requests') && !has('unit')) at.error(`needs a unit: one of ${UNITS.join(', ')}`);
  for (const field of ['unit', 'burst', 'shared'] as const) {
    if (has(field) && !has('requests')) at.child(field).misplaced('says something of requests, which are not there');
  }
}

function readKeys(at: Cursor): LimitKey[] | undefined {
  const keys = textList(keyProblem)(at);
  const { length } = keys === undefined ? [] : (at.items() ?? []);
  return length > MAX_KEYS
    ? at.error(`must hold at most ${MAX_KEYS}, holds ${length}`)
    : (keys as LimitKey[] | undefined);
}

function keyProblem(text: string): string | undefined {
  const key = parseConditionKey(text);
  if (!key.ok) return key.problem;
  const isPseudo = key.value.attribute === 'request.headers' && key.value.header.startsWith(':');
  return KEYS.has(key.value.attribute) && !isPseudo
    ? undefined
    : `requests are not counted by it; one of ${[...KEYS].join(', ')}[name]`;
}
