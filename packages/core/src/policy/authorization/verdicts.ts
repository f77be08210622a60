import type { Verdict } from '../verdict.ts';
import type { PolicyRule } from './policy.ts';
import type { CompiledRule } from './rule.ts';

const NONE: readonly never[] = Object.freeze([]);

/** Everything a verdict holds besides what AUDIT and dry-run policies add. */
export type VerdictParts = Omit<Verdict, 'audit' | 'dryRun' | 'dryRunDecision'>;

export function verdictOf({ decision, policy, rule, action, reason, mode }: VerdictParts): Verdict {
  return Object.freeze({ decision, policy, rule, action, reason, audit: NONE, dryRun: NONE, dryRunDecision: '', mode });
}

/** Verdicts of rules that matched: one frozen object for each rule and mode, however many requests it decides. */
export class MatchVerdicts {
  readonly #byMode = new Map<string, Map<CompiledRule, Verdict>>();

  of({ policy, rule }: PolicyRule, mode: string): Verdict {
    let verdicts = this.#byMode.get(mode);
    if (verdicts === undefined) {
      verdicts = new Map<CompiledRule, Verdict>();
      this.#byMode.set(mode, verdicts);
    }
    let verdict = verdicts.get(rule);
    if (verdict === undefined) {
      const decision = policy.action === 'DENY' ? 'DENY' : 'ALLOW';
      const reason = `rules[${rule.index}] of ${policy.action} policy ${policy.name} matched`;
      verdict = verdictOf({ decision, policy: policy.name, rule: rule.index, action: decision, reason, mode });
      verdicts.set(rule, verdict);
    }
    return verdict;
  }
}
