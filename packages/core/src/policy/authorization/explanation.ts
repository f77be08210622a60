import type { RequestAttributes } from '../attributes.ts';
import type { Check, ConnectionFacts } from './checks/check.ts';
import type { CheckGroup } from './checks/conditions.ts';
import type { CompiledPolicy, PolicyRule } from './policy.ts';
import type { CompiledRule } from './rule.ts';

/** Why nothing was allowed: the rule that came closest and what it failed on. */
export interface Explanation {
  readonly policy: string;
  /** -1 when there is no rule at all. */
  readonly rule: number;
  readonly reason: string;
}

/** What is being explained. */
export interface ExplainedCall {
  readonly facts: ConnectionFacts;
  /** Undefined when only the connection is judged. */
  readonly request: RequestAttributes | undefined;
  /** False for a connection that carries something else: what rules ask of HTTP is left out then. */
  readonly isHttp: boolean;
}

/** What may have come close. */
export interface Candidates {
  readonly policies: readonly CompiledPolicy[];
  /** The likeliest first; no more than {@link MOST_RULES} are looked at. */
  readonly rules: readonly PolicyRule[];
}

type AnyCheck = Check<ConnectionFacts> | Check<RequestAttributes>;

interface NearMiss extends PolicyRule {
  readonly failure: AnyCheck;
  /** Parts of the rule (from, to, when) that failed, then fields, then whether the caller's identity was the trouble. */
  readonly distance: readonly [number, number, number];
}

/** Bounds what a denial costs: whoever sends what is denied chooses how often it is explained. */
export const MOST_RULES = 64;
const MAX_VALUE = 200;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Names the rule that needed the least to match. */
export function explainNoMatch({ policies, rules }: Candidates, call: ExplainedCall): Explanation {
  let best: NearMiss | undefined;
  for (const candidate of rules.slice(0, MOST_RULES)) {
    const miss = nearMiss(candidate, call);
    if (miss === undefined) return dropped(candidate);
    if (best === undefined || isNearer(miss, best)) best = miss;
  }
  if (best === undefined) return allowNothing(policies);
  const reason = `no ALLOW rule matched: ${describeFailure(best.failure, call)}`;
  return { policy: best.policy.name, rule: best.rule.index, reason };
}

function allowNothing([first]: readonly CompiledPolicy[]): Explanation {
  const name = first?.name ?? '';
  return { policy: name, rule: -1, reason: `no ALLOW rule matched: policy ${name} has no rules, so it allows nothing` };
}

/** Only without HTTP can every check hold: the rule was left out because it asks for some. */
function dropped({ policy, rule }: PolicyRule): Explanation {
  const reason = `no ALLOW rule matched: rules[${rule.index}] asks for HTTP, which the connection does not carry`;
  return { policy: policy.name, rule: rule.index, reason };
}

function nearMiss(candidate: PolicyRule, call: ExplainedCall): NearMiss | undefined {
  const parts = failedParts(candidate.rule, call);
  const failures = parts.filter((failed) => failed.length > 0);
  const failure = failures[0]?.[0];
  if (failure === undefined) return undefined;
  const fields = failures.reduce((sum, failed) => sum + failed.length, 0);
  return { ...candidate, failure, distance: [failures.length, fields, parts[0].length > 0 ? 1 : 0] };
}

function failedParts(rule: CompiledRule, call: ExplainedCall): readonly [AnyCheck[], AnyCheck[], AnyCheck[]] {
  return [fewestFailures(rule.sources, call), fewestFailures(rule.operations, call), failuresOf(rule.conditions, call)];
}

function fewestFailures(groups: readonly CheckGroup[], call: ExplainedCall): AnyCheck[] {
  let fewest: AnyCheck[] | undefined;
  for (const group of groups) {
    const failures = failuresOf(group, call);
    if (fewest === undefined || failures.length < fewest.length) fewest = failures;
  }
  return fewest ?? [];
}

function failuresOf(group: CheckGroup, { facts, request, isHttp }: ExplainedCall): AnyCheck[] {
  const connection = group.connection.filter((check) => !check.test(facts));
  if (request === undefined) return connection;
  const asked = isHttp ? group.request : group.request.filter((check) => !check.subject.isHttp);
  return [...connection, ...asked.filter((check) => !check.test(request))];
}

function isNearer(a: NearMiss, b: NearMiss): boolean {
  for (const index of [0, 1, 2] as const) {
    if (a.distance[index] !== b.distance[index]) return a.distance[index] < b.distance[index];
  }
  return false;
}

/** "principal x is not in rules[0].from[0].source.principals". */
function describeFailure({ subject, field, negated }: AnyCheck, { facts, request }: ExplainedCall): string {
  const value = subject.read(facts, request);
  if (value === undefined) {
    if (subject.label === 'principal') return `the caller is plaintext and has no principal for ${field}`;
    return subject.isOfToken && request?.token === undefined
      ? `the request carries no verified token for ${field}`
      : `there is no ${subject.label} for ${field}`;
  }
  const shown = subject.isPublic ? `${subject.label} ${printable(value)}` : `the value of ${subject.label}`;
  return negated ? `${shown} is in ${field}` : `${shown} is not in ${field}`;
}

/** Values come from callers: short, and nothing that could break a line of a log. */
function printable(value: string): string {
  const short = value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value;
  return short.replace(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
