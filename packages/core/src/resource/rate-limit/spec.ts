import type { Cursor } from '../cursor.ts';
import { readSelector, type WorkloadSelector } from '../selector.ts';
import { readLimitRules, type RateLimitRule } from './rule.ts';

/** How many connections one source may have open to a port at a time. */
export interface ConnectionLimit {
  /** By address: counted from the first byte, before anybody has proved anything. By principal: once it is proved. */
  readonly per: 'source.ip' | 'source.principal';
  readonly max: number;
}

/** How much a workload takes, of whom. A request that several rules are about needs room under each of them. */
export interface RateLimitSpec {
  readonly selector?: WorkloadSelector;
  /** SHADOW counts and reports, and refuses nothing; absent: ENFORCE. */
  readonly mode?: 'ENFORCE' | 'SHADOW';
  readonly rules?: readonly RateLimitRule[];
  readonly connections?: readonly ConnectionLimit[];
}

const MAX_CONNECTIONS = 1_000_000;

export function readRateLimitSpec(at: Cursor): RateLimitSpec | undefined {
  const spec = at.fields<RateLimitSpec>({
    selector: readSelector,
    mode: (mode) => mode.word(['ENFORCE', 'SHADOW']),
    rules: readLimitRules,
    connections: (connections) => connections.list(readConnectionLimit, 'a list of limits'),
  });
  if (spec === undefined) return undefined;
  const { rules = [], connections = [] } = spec;
  if (at.child('rules').value === undefined && at.child('connections').value === undefined)
    at.error('needs rules, connections or both');
  else if (rules.length + connections.length === 0) at.warning('limits nothing: it has no rule');
  if (spec.mode === 'SHADOW' && connections.length > 0)
    at.child('connections').misplaced('cannot be tried out: put them into a policy of their own, without mode SHADOW');
  return spec;
}

function readConnectionLimit(at: Cursor): ConnectionLimit | undefined {
  const { per, max } =
    at.fields<ConnectionLimit>({
      per: (per) => per.word(['source.ip', 'source.principal']),
      max: (max) => max.integer('a whole number', { min: 1, max: MAX_CONNECTIONS }),
    }) ?? {};
  if (at.child('per').value === undefined) at.error('needs per: source.ip or source.principal');
  if (at.child('max').value === undefined) at.error('needs max: how many connections');
  return per === undefined || max === undefined ? undefined : { per, max };
}
