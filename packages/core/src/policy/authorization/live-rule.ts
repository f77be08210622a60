import type { RequestAttributes } from '../attributes.ts';
import type { Verdict } from '../verdict.ts';
import type { ConnectionFacts, RequestCheck } from './check.ts';
import type { CheckGroup, CompiledRule } from './rule.ts';

/** What is left of a rule once its connection is known: the checks that each request has to pass. */
export interface LiveRule {
  readonly verdict: Verdict;
  /** Any of these groups; empty asks nothing. */
  readonly operations: readonly (readonly RequestCheck[])[];
  /** All of these. */
  readonly conditions: readonly RequestCheck[];
}

/** Undefined when no request on this connection can match the rule. */
export function narrow(rule: CompiledRule, facts: ConnectionFacts, verdict: () => Verdict): LiveRule | undefined {
  if (!anyHolds(rule.sources, facts) || !holds(rule.conditions, facts)) return undefined;
  const operations = rule.operations.filter((group) => holds(group, facts));
  if (rule.operations.length > 0 && operations.length === 0) return undefined;
  const isAnyOperation = operations.some((group) => group.request.length === 0);
  return {
    verdict: verdict(),
    operations: isAnyOperation ? [] : operations.map((group) => group.request),
    conditions: rule.conditions.request,
  };
}

/** Whether every request on the connection matches. */
export function matchesAlways(rule: LiveRule): boolean {
  return rule.operations.length === 0 && rule.conditions.length === 0;
}

/** On the path of every request: allocates nothing. */
export function matchesRequest(rule: LiveRule, request: RequestAttributes): boolean {
  if (!allHold(rule.conditions, request)) return false;
  if (rule.operations.length === 0) return true;
  for (const operation of rule.operations) if (allHold(operation, request)) return true;
  return false;
}

function allHold(checks: readonly RequestCheck[], request: RequestAttributes): boolean {
  for (const check of checks) if (!check.test(request)) return false;
  return true;
}

function anyHolds(groups: readonly CheckGroup[], facts: ConnectionFacts): boolean {
  return groups.length === 0 || groups.some((group) => holds(group, facts));
}

function holds(group: CheckGroup, facts: ConnectionFacts): boolean {
  return group.connection.every((check) => check.test(facts));
}
