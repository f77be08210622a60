import type { Verdict } from '@rampart/core';

/** A verdict that no policy gave. */
export function refusal(reason: string): Verdict {
  return {
    decision: 'DENY',
    policy: '',
    rule: -1,
    action: '',
    reason,
    audit: [],
    dryRun: [],
    dryRunDecision: '',
    mode: '',
  };
}
