import type { Verdict } from '../verdict.ts';
import type { PolicyRule } from './policy.ts';

const NONE: readonly never[] = Object.freeze([]);

/** Everything a verdict holds besides what AUDIT and dry-run policies add. */
export type VerdictParts = Omit<Verdict, 'audit' | 'dryRun' | 'dryRunDecision'>;

export function verdictOf({ decision, policy, rule, action, reason, mode }: VerdictParts): Verdict {
  return Object.freeze({
    decision,
    policy,
    rule,
    action,
    reason,
    audit: NONE,
    dryRun: NONE,
    dryRunDecision: '',
    mode,
  });
}

/** The verdict of a rule of an ALLOW or DENY policy on what it matches. */
export function matchVerdict({ policy, rule }: PolicyRule, mode: string): Verdict {
  const decision = policy.action === 'DENY' ? 'DENY' : 'ALLOW';
  const reason = `rules[${rule.index}] of ${policy.action} policy ${policy.name} matched`;
  return verdictOf({ decision, policy: policy.name, rule: rule.index, action: decision, reason, mode });
}

/** The verdict where there is no ALLOW policy at all. */
export function defaultVerdict(mode: string): Verdict {
  const reason = 'no ALLOW policy is about this workload, and no DENY policy matched';
  return verdictOf({ decision: 'ALLOW', policy: '', rule: -1, action: '', reason, mode });
}
