import type { Rate } from '@rampart/core';
import type { Limited } from './caller-limits.ts';

/** How much of a limit is left to a caller. */
export interface Allowance {
  readonly limited: Limited | 'authentication-failures';
  readonly rate: Rate;
  /** Calls that may come at once. */
  readonly left: number;
  /** Milliseconds until there is as much as there can be; for a refused call, until there is one. */
  readonly resetMs: number;
}

/** What became of a call that was counted. */
export interface Taken extends Allowance {
  /** Milliseconds until it may be made; 0 when it may be made now. */
  readonly waitMs: number;
}

/** Header fields of a call that was refused for its number. */
export function refusedHeaders(taken: Taken): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(taken.waitMs / 1000))), ...rateHeaders(taken) };
}

/**
 * The header fields `RateLimit-Policy` and `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers): a quota `q` in a window of `w`
 * seconds, of which `r` is left and which is whole again in `t` seconds.
 */
export function rateHeaders({ limited, rate, left, resetMs }: Allowance): Record<string, string> {
  const window = Math.max(1, Math.ceil(rate.burst / rate.perSecond));
  return {
    'ratelimit-policy': `"${limited}";q=${rate.burst};w=${window}`,
    ratelimit: `"${limited}";r=${left};t=${Math.ceil(resetMs / 1000)}`,
  };
}
