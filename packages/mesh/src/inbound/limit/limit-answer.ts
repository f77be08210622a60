import type { RequestLimit, Verdict } from '@rampart/core';

import { textAnswer } from '../request/answer.ts';
import type { Answer } from '../request/answer.ts';

const TOO_MANY_REQUESTS = 429;
/** Envoy's body for a request that its rate limit refuses. */
const BODY = 'local_rate_limited';
/** When a place among those under way gets free, nobody can know. */
const SOON_MS = 1000;

/** Why a request finds no room. */
export interface Shortage {
  readonly limit: RequestLimit;
  readonly of: 'rate' | 'concurrency';
  /** Milliseconds until there is room again, for `rate`. */
  readonly waitMs: number;
}

/** Says which limit was hit, for the record. */
function describeShortage({ limit, of }: Shortage): string {
  const { policy, rule, rate, concurrency } = limit;
  const what =
    of === 'concurrency'
      ? `${concurrency ?? 0} requests are under way`
      : `${rate?.requests ?? 0} requests in ${rate?.windowSeconds ?? 0} s`;
  return `RateLimit ${policy}, rule ${rule}: no more than ${what}`;
}

/**
 * The answer to a request without room: 429 (RFC 6585 §4) with Retry-After (RFC 9110 §10.2.3), RateLimit-Policy and
 * RateLimit (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function limitAnswer(shortage: Shortage, allowed: Verdict): Answer {
  const { limit, of } = shortage;
  const waitMs = of === 'rate' ? shortage.waitMs : SOON_MS;
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)));
  const name = `"${limit.rule}"`;
  const quota =
    of === 'rate'
      ? `q=${limit.rate?.requests ?? 0};w=${limit.rate?.windowSeconds ?? 1}`
      : `q=${limit.concurrency ?? 0};qu="concurrent-requests"`;
  return textAnswer({
    code: TOO_MANY_REQUESTS,
    headers: [
      'retry-after',
      seconds,
      'ratelimit-policy',
      `${name};${quota}`,
      'ratelimit',
      of === 'rate' ? `${name};r=0;t=${seconds}` : `${name};r=0`,
    ],
    body: BODY,
    verdict: { ...allowed, reason: describeShortage(shortage) },
  });
}
