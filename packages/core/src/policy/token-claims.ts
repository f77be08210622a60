import type { JwtRule } from '../resource/request-authentication/jwt-rule.ts';
import type { TokenFacts } from './attributes.ts';

/** What a token says of itself (RFC 7519 §4); that it is genuine is somebody else's to find out. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** Who the end user is, or in the data plane's words why the token is refused with 401. */
export type EndUserOutcome = { readonly token: TokenFacts | undefined } | { readonly refused: string };

const CLOCK_SKEW_SECONDS = 60;

/**
 * What RequestAuthentication makes of a token by its claims. Where no rule is about the workload, tokens are not looked
 * at. `now` is Unix milliseconds; validity in time is not checked without it.
 */
export function endUserOf(claims: TokenClaims, rules: readonly JwtRule[], now: number | undefined): EndUserOutcome {
  if (rules.length === 0) return { token: undefined };
  const issuer = textOf(claims['iss']);
  const subject = textOf(claims['sub']);
  const ofIssuer = rules.filter((rule) => rule.issuer === issuer || rule.issuer === '');
  if (ofIssuer.length === 0) return { refused: 'Jwt issuer is not configured' };
  const outdated = now === undefined ? undefined : timeProblem(claims, now / 1000);
  if (outdated !== undefined) return { refused: outdated };
  const named = listOf(claims['aud']);
  const rule = ofIssuer.find(
    ({ audiences = [] }) => audiences.length === 0 || named.some((one) => audiences.includes(one)),
  );
  if (rule === undefined) return { refused: 'Audiences in Jwt are not allowed' };
  const { spaceDelimitedClaims = [] } = rule;
  return { token: { principal: `${issuer}/${subject}`, issuer, subject, claims, spaceDelimitedClaims } };
}

function timeProblem({ nbf, exp }: TokenClaims, seconds: number): string | undefined {
  if (typeof nbf === 'number' && seconds + CLOCK_SKEW_SECONDS < nbf) return 'Jwt not yet valid';
  return typeof exp === 'number' && seconds > exp + CLOCK_SKEW_SECONDS ? 'Jwt is expired' : undefined;
}

function textOf(claim: unknown): string {
  return typeof claim === 'string' ? claim : '';
}

function listOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return [claim];
  return Array.isArray(claim) ? claim.filter((item) => typeof item === 'string') : [];
}
