import type { CompiledPolicy, PolicyRule } from './policy.ts';
import { nearestMiss, type AnyCheck, type ExplainedCall } from './near-miss.ts';

/** Why nothing was allowed: the rule that came closest and what it failed on. */
export interface Explanation {
  readonly policy: string;
  /** -1 when there is no rule at all. */
  readonly rule: number;
  readonly reason: string;
}

/** What may have come close. */
export interface Candidates {
  readonly policies: readonly CompiledPolicy[];
  /** The likeliest first, as `suspects` leaves them. */
  readonly rules: readonly PolicyRule[];
}

const MAX_VALUE = 200;
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Names the rule that needed the least to match. */
export function explainNoMatch({ policies, rules }: Candidates, call: ExplainedCall): Explanation {
  const miss = nearestMiss(rules, call);
  if (miss === undefined) return allowNothing(policies);
  const { candidate, failure } = miss;
  const { policy, rule } = candidate;
  if (failure === undefined) return dropped(candidate);
  const reason = `no ALLOW rule matched: ${describeFailure(failure, call)}`;
  return { policy: policy.name, rule: rule.index, reason };
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
  if (!CONTROL_CHARACTER.test(short)) return short;
  return short.replace(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
