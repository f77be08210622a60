import type { TokenContent } from './claims.ts';
import type { TokenProblem } from './token-problem.ts';

const SECOND = 1000;

/** Clocks of issuers and workloads differ; Envoy's default. */
export const CLOCK_SKEW_SECONDS = 60;

/** Whether a token holds at a moment (Unix milliseconds), give or take `skewSeconds`. */
export function timeProblem(
  token: Pick<TokenContent, 'expiresAt' | 'notBefore'>,
  now: number,
  skewSeconds: number,
): TokenProblem | undefined {
  const seconds = now / SECOND;
  if (token.notBefore !== undefined && seconds + skewSeconds < token.notBefore) return 'Jwt not yet valid';
  if (token.expiresAt !== undefined && seconds > token.expiresAt + skewSeconds) return 'Jwt is expired';
  return undefined;
}
