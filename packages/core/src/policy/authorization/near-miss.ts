import type { RequestAttributes } from '../attributes.ts';
import type { Check, ConnectionFacts } from './checks/check.ts';
import type { CheckGroup } from './checks/conditions.ts';
import type { PolicyRule } from './policy.ts';
import type { CompiledRule } from './rule.ts';

/** What is being explained. */
export interface ExplainedCall {
  readonly facts: ConnectionFacts;
  /** Undefined when only the connection is judged. */
  readonly request: RequestAttributes | undefined;
  /** False for a connection that carries something else: what rules ask of HTTP is left out then. */
  readonly isHttp: boolean;
}

export type AnyCheck = Check<ConnectionFacts> | Check<RequestAttributes>;

/** The rule that needed the least to match, and what it failed on first; undefined when all that was asked held. */
export interface NearMiss {
  readonly candidate: PolicyRule;
  readonly failure: AnyCheck | undefined;
}

// Who sends what is denied chooses how often it is explained, so these bound what that costs.
const MOST_RULES = 16;
/** Checks in all rules together; the first rule is looked at in any case. */
const MOST_CHECKS = 96;
/** Sources, and operations, of one rule. */
const MOST_GROUPS = 32;

/** Failed parts of a rule (from, to, when) count most, then failed fields, then whether the caller was the trouble. */
const PART = 1 << 20;
const FIELD = 2;
const CALLER = 1;
/** Nothing that failed at all is nearer: one field of one part, and not the caller. */
const NEAREST = PART + FIELD;

/** As many of the rules, from the first on, as a denial may look at. */
export function suspects(rules: Iterable<PolicyRule>): PolicyRule[] {
  const chosen: PolicyRule[] = [];
  let checks = 0;
  for (const candidate of rules) {
    checks += checksOf(candidate.rule);
    if (chosen.length > 0 && checks > MOST_CHECKS) break;
    chosen.push(candidate);
    if (chosen.length === MOST_RULES) break;
  }
  return chosen;
}

/** Of rules that come equally close, the first. Undefined when there are none. */
export function nearestMiss(rules: readonly PolicyRule[], call: ExplainedCall): NearMiss | undefined {
  let nearest: PolicyRule | undefined;
  let shortest = Number.POSITIVE_INFINITY;
  for (const candidate of rules) {
    const distance = distanceOf(candidate.rule, call);
    if (distance >= shortest) continue;
    nearest = candidate;
    shortest = distance;
    if (distance <= NEAREST) break;
  }
  return nearest && { candidate: nearest, failure: firstFailure(nearest.rule, call) };
}

function distanceOf({ sources, operations, conditions }: CompiledRule, call: ExplainedCall): number {
  const from = fewestFailures(sources, call);
  const to = fewestFailures(operations, call);
  const when = failures(conditions, call);
  const parts = (from > 0 ? 1 : 0) + (to > 0 ? 1 : 0) + (when > 0 ? 1 : 0);
  return parts * PART + (from + to + when) * FIELD + (from > 0 ? CALLER : 0);
}

/** A part with groups that were not looked at is named last: one of them may hold, unless nothing else failed. */
function firstFailure({ sources, operations, conditions }: CompiledRule, call: ExplainedCall): AnyCheck | undefined {
  const parts = [sources, operations, [conditions]];
  const known = [...parts.filter(isLookedAtWhole), ...parts.filter((part) => !isLookedAtWhole(part))];
  for (const part of known) {
    const failure = nearestGroup(part, call);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function isLookedAtWhole(groups: readonly CheckGroup[]): boolean {
  return groups.length <= MOST_GROUPS;
}

function nearestGroup(groups: readonly CheckGroup[], call: ExplainedCall): AnyCheck | undefined {
  const fewest = fewestFailures(groups, call);
  const nearest = fewest === 0 ? undefined : groups.find((group) => failures(group, call) === fewest);
  return nearest && failingChecks(nearest, call)[0];
}

/** Of the group that fails least. A part without groups asks nothing. */
function fewestFailures(groups: readonly CheckGroup[], call: ExplainedCall): number {
  const end = Math.min(groups.length, MOST_GROUPS);
  let fewest = end === 0 ? 0 : Number.POSITIVE_INFINITY;
  for (let index = 0; index < end && fewest > 0; index += 1) {
    const group = groups[index];
    if (group !== undefined) fewest = Math.min(fewest, failures(group, call));
  }
  return fewest;
}

/** How many checks of a group fail. Allocates nothing. */
function failures({ connection, request: asked }: CheckGroup, { facts, request, isHttp }: ExplainedCall): number {
  let count = 0;
  for (const check of connection) if (!check.test(facts)) count += 1;
  if (request === undefined) return count;
  for (const check of asked) if ((isHttp || !check.subject.isHttp) && !check.test(request)) count += 1;
  return count;
}

function failingChecks({ connection, request: asked }: CheckGroup, call: ExplainedCall): AnyCheck[] {
  const { facts, request, isHttp } = call;
  const failing = connection.filter((check) => !check.test(facts));
  if (request === undefined) return failing;
  return [...failing, ...asked.filter((check) => (isHttp || !check.subject.isHttp) && !check.test(request))];
}

function checksOf({ sources, operations, conditions }: CompiledRule): number {
  const groups = [...sources.slice(0, MOST_GROUPS), ...operations.slice(0, MOST_GROUPS), conditions];
  return groups.reduce((sum, { connection, request }) => sum + connection.length + request.length, 0);
}
