import type { JwtRule } from '../resource/request-authentication/jwt-rule.ts';
import { qualifiedName, type ServiceTokenPolicy } from '../resource/resource.ts';
import type { RequestAttributes, TokenFacts } from './attributes.ts';
import { compileScopeRules, compileSubjects } from './scope-rules.ts';

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

/** What a ServiceTokenPolicy has against a request, with the status that it is answered with. */
export interface ServiceTokenRefusal {
  /** "namespace/name". */
  readonly policy: string;
  readonly reason: string;
}

/** A request, and when it is made (Unix milliseconds; validity in time is not checked without it). */
export interface TokenUse {
  readonly request: Pick<RequestAttributes, 'method' | 'path'>;
  readonly now: number | undefined;
}

/** What is wrong with a token between services; undefined when one policy lets it pass, or none is about the workload. */
export function serviceTokenRefusal(
  claims: TokenClaims | undefined,
  policies: readonly ServiceTokenPolicy[],
  use: TokenUse,
): ServiceTokenRefusal | undefined {
  let closest: (ServiceTokenRefusal & { readonly depth: number }) | undefined;
  for (const policy of policies) {
    const problem = serviceTokenProblem(claims, policy, use);
    if (problem === undefined) return undefined;
    const [depth, status, what] = problem;
    if (closest !== undefined && closest.depth >= depth) continue;
    closest = { depth, policy: qualifiedName(policy), reason: `${status}, ServiceTokenPolicy: ${what}` };
  }
  return closest;
}

/** The first check that fails, in the order of the data plane, with its position in that order. */
function serviceTokenProblem(
  claims: TokenClaims | undefined,
  { spec }: ServiceTokenPolicy,
  { request, now }: TokenUse,
): readonly [depth: number, status: 401 | 403, what: string] | undefined {
  if (claims === undefined) return [0, 401, 'the request has no token'];
  if (textOf(claims['iss']) !== spec.issuer) return [2, 401, 'Jwt issuer is not configured'];
  const { exp, nbf } = claims;
  if (now !== undefined) {
    if (typeof exp !== 'number' || now / 1000 > exp) return [4, 401, 'Token expired'];
    if (typeof nbf === 'number' && now / 1000 + CLOCK_SKEW_SECONDS < nbf) return [4, 401, 'Jwt not yet valid'];
  }
  if (!listOf(claims['aud']).includes(spec.audience)) return [5, 401, 'Invalid audience'];
  if (!compileSubjects(spec.subjects)(textOf(claims['sub']))) return [6, 403, 'Subject not allowed'];
  const needed = compileScopeRules(spec.rules)(request);
  if (needed === undefined) return [7, 403, 'No rule covers this request'];
  const scope = claims['scope'];
  const held = new Set(typeof scope === 'string' ? scope.split(' ') : listOf(scope));
  return needed.every((one) => held.has(one)) ? undefined : [8, 403, 'Insufficient scope'];
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
