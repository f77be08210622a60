import type { AuthorizerDemand, Verdict } from '@rampart/core';

import { DENIED_BODY } from '../refused.ts';

export type Ask = Extract<AuthorizerDemand, { readonly kind: 'ask' }>;

/** An answer for a caller that is not let through. */
export interface AuthorizerRefusal {
  /** "denied": the authorizer, or whoever could not ask it, said no. "failed": nobody could tell. */
  readonly kind: 'denied' | 'failed';
  readonly status: number;
  /** Complete, in lower case; length and type of the body among them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly verdict: Verdict;
}

interface RefusalContent {
  readonly status: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array | string;
}

const FORBIDDEN = 403;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

export function refuse(kind: 'denied' | 'failed', verdict: Verdict, content: RefusalContent): AuthorizerRefusal {
  const body = Buffer.from(content.body ?? '');
  const headers = [...(content.headers ?? [])];
  const typed = headers.some(([name]) => name === 'content-type');
  if (body.length > 0 && !typed) headers.push(['content-type', 'text/plain']);
  // RFC 9110 §8.6: these say nothing of a length.
  if (content.status !== NO_CONTENT && content.status !== NOT_MODIFIED) {
    headers.push(['content-length', String(body.length)]);
  }
  return { kind, status: content.status, headers, body, verdict };
}

/** What policy refuses without asking anybody. */
export function refuseByPolicy(verdict: Verdict): AuthorizerRefusal {
  return refuse('denied', verdict, { status: FORBIDDEN, body: DENIED_BODY });
}

export function refusingVerdict({ policy, rule }: Ask, reason: string): Verdict {
  return {
    decision: 'DENY',
    policy,
    rule,
    action: 'CUSTOM',
    reason,
    audit: [],
    dryRun: [],
    dryRunDecision: '',
    mode: '',
  };
}
