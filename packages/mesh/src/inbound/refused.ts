import type { Verdict } from '@rampart/core';

/** Envoy's body for a request that RBAC refuses. */
export const DENIED_BODY = 'RBAC: access denied';

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
