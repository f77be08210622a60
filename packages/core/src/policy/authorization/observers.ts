import type { RequestAttributes } from '../attributes.ts';
import type { DryRunVerdict, Verdict } from '../verdict.ts';
import { matchesRequest, type LiveRule } from './live-rule.ts';

/** A policy that is reported on but decides nothing, with what is left of its rules on one connection. */
export interface ObservedPolicy {
  readonly name: string;
  readonly role: 'audit' | 'dry-run-allow' | 'dry-run-deny';
  readonly rules: readonly LiveRule[];
}

/** Adds to a verdict what AUDIT and dry-run policies say; the decision stays as it is. */
export function observe(verdict: Verdict, policies: readonly ObservedPolicy[], request: RequestAttributes): Verdict {
  const matched = policies.filter((policy) => policy.rules.some((rule) => matchesRequest(rule, request)));
  const audit = matched.filter((policy) => policy.role === 'audit').map((policy) => policy.name);
  const dryRun = [...wouldDeny(matched), ...wouldAllow(policies, matched, verdict)];
  if (audit.length === 0 && dryRun.length === 0) return verdict;
  return { ...verdict, audit, dryRun };
}

function wouldDeny(matched: readonly ObservedPolicy[]): DryRunVerdict[] {
  return matched
    .filter((policy) => policy.role === 'dry-run-deny')
    .map(({ name }) => ({ policy: name, would: 'DENY' }));
}

/**
 * Enforced, an ALLOW policy would also deny what no ALLOW policy allows: those that do not match say so, unless
 * another one, enforced or tried out, lets the request through.
 */
function wouldAllow(
  policies: readonly ObservedPolicy[],
  matched: readonly ObservedPolicy[],
  verdict: Verdict,
): DryRunVerdict[] {
  const allowing = matched.filter((policy) => policy.role === 'dry-run-allow');
  if (allowing.length > 0) return allowing.map(({ name }) => ({ policy: name, would: 'ALLOW' }));
  const isAllowedByRule = verdict.decision === 'ALLOW' && verdict.action === 'ALLOW';
  if (isAllowedByRule) return [];
  return policies
    .filter((policy) => policy.role === 'dry-run-allow')
    .map(({ name }) => ({ policy: name, would: 'DENY' }));
}
