import type { JwtRule } from '../../resource/request-authentication/jwt-rule.ts';
import type { ServiceTokenPolicy } from '../../resource/resource.ts';
import type { TokenFacts } from '../attributes.ts';
import { readClaims, type TokenClaims, type TokenContent } from './claims.ts';
import { areShared, serviceTokenPlaces, userTokenPlaces } from './places.ts';
import type { TokenProblem } from './token-problem.ts';
import { CLOCK_SKEW_SECONDS, timeProblem } from './validity.ts';

/** Who the end user is, or in the data plane's words why the token is refused with 401. */
export type EndUserOutcome = { readonly token: TokenFacts | undefined } | { readonly refused: TokenProblem };

/** The policies of a workload that are about tokens. */
export interface TokenPolicies {
  readonly jwtRules: readonly JwtRule[];
  readonly serviceTokens: readonly ServiceTokenPolicy[];
}

/** Rules about the tokens of an issuer: those that name it, then those that name none. */
export function rulesOfIssuer<Rule extends Pick<JwtRule, 'issuer'>>(rules: readonly Rule[], issuer: string): Rule[] {
  const named = rules.filter((rule) => rule.issuer !== '' && rule.issuer === issuer);
  return [...named, ...rules.filter((rule) => rule.issuer === '')];
}

/** What a rule has against the claims of a token; `now` is Unix milliseconds, validity in time is not asked without it. */
export function userClaimsProblem(
  { audiences = [] }: JwtRule,
  token: TokenContent,
  now: number | undefined,
): TokenProblem | undefined {
  const outdated = now === undefined ? undefined : timeProblem(token, now, CLOCK_SKEW_SECONDS);
  if (outdated !== undefined) return outdated;
  if (audiences.length === 0 || token.audiences.some((audience) => audiences.includes(audience))) return undefined;
  return 'Audiences in Jwt are not allowed';
}

/** What policies may ask of a token that a rule found good. */
export function tokenFacts({ spaceDelimitedClaims = [] }: JwtRule, token: TokenContent): TokenFacts {
  const { issuer, subject, claims } = token;
  return { principal: `${issuer}/${subject}`, issuer, subject, claims, spaceDelimitedClaims };
}

/**
 * What RequestAuthentication makes of a token by its claims, which are taken for genuine. It is taken to stand where the
 * rules for its issuer look: one that only a ServiceTokenPolicy looks for, elsewhere, is none of an end user. Where no rule
 * is about the workload, tokens are not looked at.
 */
export function endUserOf(
  claims: TokenClaims,
  { jwtRules, serviceTokens }: TokenPolicies,
  now: number | undefined,
): EndUserOutcome {
  if (jwtRules.length === 0) return { token: undefined };
  const { iss: issuer = '' } = claims;
  const about = typeof issuer === 'string' ? rulesOfIssuer(jwtRules, issuer) : [];
  if (about.length === 0 && isOnlyForServices(issuer, jwtRules, serviceTokens)) return { token: undefined };
  const read = readClaims(claims);
  if (!read.ok) return { refused: read.problem };
  let problem: TokenProblem = 'Jwt issuer is not configured';
  for (const rule of about) {
    const found = userClaimsProblem(rule, read.value, now);
    if (found === undefined) return { token: tokenFacts(rule, read.value) };
    problem = found;
  }
  return { refused: problem };
}

function isOnlyForServices(
  issuer: unknown,
  jwtRules: readonly JwtRule[],
  serviceTokens: readonly ServiceTokenPolicy[],
): boolean {
  const places = serviceTokens.flatMap(({ spec }) => (spec.issuer === issuer ? [serviceTokenPlaces(spec)] : []));
  const isSeen = places.some((each) => jwtRules.some((rule) => areShared(userTokenPlaces(rule), each)));
  return places.length > 0 && !isSeen;
}
