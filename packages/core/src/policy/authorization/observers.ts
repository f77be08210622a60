import type { DryRunVerdict, Verdict } from '../verdict.ts';
import type { CompiledPolicy } from './policy.ts';

/** What AUDIT and dry-run policies add to a verdict. */
export type Observations = Pick<Verdict, 'audit' | 'dryRun' | 'dryRunDecision'>;

export const NO_OBSERVATIONS: Observations = Object.freeze({ audit: [], dryRun: [], dryRunDecision: '' });

/** What the policies that are reported on but decide nothing make of one verdict; `matched` may name them twice. */
export function observe(
  policies: readonly CompiledPolicy[],
  matched: readonly CompiledPolicy[],
  verdict: Pick<Verdict, 'decision' | 'action'>,
): Observations {
  const hits = new Set(matched);
  const namesOf = (action: CompiledPolicy['action'], isHit: boolean): string[] =>
    policies.filter((policy) => policy.action === action && hits.has(policy) === isHit).map(({ name }) => name);
  const denying = namesOf('DENY', true);
  const allowing = namesOf('ALLOW', true);
  const notAllowing = allowing.length > 0 || isAllowedByRule(verdict) ? [] : namesOf('ALLOW', false);
  return {
    audit: namesOf('AUDIT', true),
    dryRun: [...would('DENY', denying), ...would('ALLOW', allowing), ...would('DENY', notAllowing)],
    dryRunDecision: policies.some((policy) => policy.dryRun)
      ? combined(verdict, { isDenied: denying.length + notAllowing.length > 0, isAllowed: allowing.length > 0 })
      : '',
  };
}

/** The decision if every policy were enforced: an enforced denial stands unless all it lacked was an ALLOW rule. */
function combined(
  verdict: Pick<Verdict, 'decision' | 'action'>,
  { isDenied, isAllowed }: { readonly isDenied: boolean; readonly isAllowed: boolean },
): 'ALLOW' | 'DENY' {
  if (isDenied) return 'DENY';
  if (verdict.decision === 'ALLOW') return 'ALLOW';
  return verdict.action === 'ALLOW' && isAllowed ? 'ALLOW' : 'DENY';
}

function isAllowedByRule({ decision, action }: Pick<Verdict, 'decision' | 'action'>): boolean {
  return decision === 'ALLOW' && action === 'ALLOW';
}

function would(decision: DryRunVerdict['would'], policies: readonly string[]): DryRunVerdict[] {
  return policies.map((policy) => ({ policy, would: decision }));
}
