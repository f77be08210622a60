import { qualifiedName, type ServiceTokenPolicy } from '../../resource/resource.ts';
import type { RequestAttributes } from '../attributes.ts';
import { compileScopeRules, compileSubjects, type ScopesNeeded } from '../scope-rules.ts';
import { listOf, readClaims, type TokenClaims, type TokenContent } from './claims.ts';
import { CLOCK_SKEW_SECONDS, timeProblem } from './validity.ts';

/** A ServiceTokenPolicy, ready to be asked. */
export interface ServiceTokenRule {
  /** "namespace/name". */
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly scopesNeeded: ScopesNeeded;
  readonly isSubject: (subject: string) => boolean;
}

/** What a policy has against a token. */
export interface ServiceTokenFailure {
  readonly status: 401 | 403;
  /** Text for the caller. */
  readonly body: string;
  /** RFC 6750 §3.1; "" when the caller brought no token. */
  readonly error: '' | 'invalid_token' | 'insufficient_scope';
  /** Scopes that would do, for `insufficient_scope`. */
  readonly scope?: readonly string[];
  /** One sentence for the record. */
  readonly reason: string;
  /** Grows with every check that was passed: of several policies, the one that came closest says what is wrong. */
  readonly depth: number;
}

/** A request, and when it is made (Unix milliseconds; validity in time is not asked without it). */
export interface TokenUse {
  readonly request: Pick<RequestAttributes, 'method' | 'path'>;
  readonly now: number | undefined;
}

export type ServiceTokenOutcome =
  | { readonly denied: false; readonly token: TokenContent }
  | { readonly denied: true; readonly policy: string; readonly failure: ServiceTokenFailure };

export const SERVICE_TOKEN_MISSING: ServiceTokenFailure = {
  status: 401,
  body: 'Jwt is missing',
  error: '',
  reason: 'ServiceTokenPolicy: the request has no token',
  depth: 0,
};

/** Of one policy after the other: unreadable, of another issuer, badly signed; then come the claims. */
const DEPTH = { unreadable: 1, issuer: 2, signature: 3, time: 4, audience: 5, subject: 6, rule: 7, scope: 8 } as const;

export function compileServiceToken(policy: ServiceTokenPolicy): ServiceTokenRule {
  const { issuer, audience, rules, subjects } = policy.spec;
  return {
    name: qualifiedName(policy),
    issuer,
    audience,
    scopesNeeded: compileScopeRules(rules),
    isSubject: compileSubjects(subjects),
  };
}

export function unusableServiceToken(body: string, why: 'unreadable' | 'issuer' | 'signature'): ServiceTokenFailure {
  return invalid(body, DEPTH[why]);
}

/**
 * Whether a request passes: one policy that lets it pass is enough. Each checks, in this order, expiry and audience (401),
 * then who calls and with which scopes (403). `readings`: for each rule, the token whose signature it verified, or why
 * it has none.
 */
export function judgeServiceTokens(
  rules: readonly ServiceTokenRule[],
  readings: readonly (TokenContent | ServiceTokenFailure)[],
  use: TokenUse,
): ServiceTokenOutcome {
  let closest: ServiceTokenOutcome = { denied: true, policy: '', failure: { ...SERVICE_TOKEN_MISSING, depth: -1 } };
  for (const [index, rule] of rules.entries()) {
    const reading = readings[index] ?? SERVICE_TOKEN_MISSING;
    const failure =
      'depth' in reading
        ? reading
        : (refusedClaims(rule, reading, use.now) ?? insufficient(rule, reading, use.request));
    if (failure === undefined && !('depth' in reading)) return { denied: false, token: reading };
    if (failure !== undefined && failure.depth > closest.failure.depth) {
      closest = { denied: true, policy: rule.name, failure };
    }
  }
  return closest;
}

/** What policies have against claims that are taken for genuine; undefined when one lets them pass, or there is none. */
export function serviceTokenRefusal(
  claims: TokenClaims | undefined,
  policies: readonly ServiceTokenPolicy[],
  use: TokenUse,
): Extract<ServiceTokenOutcome, { readonly denied: true }> | undefined {
  if (policies.length === 0) return undefined;
  const rules = policies.map(compileServiceToken);
  const outcome = judgeServiceTokens(
    rules,
    rules.map((rule) => readFor(rule, claims)),
    use,
  );
  return outcome.denied ? outcome : undefined;
}

function readFor({ issuer }: ServiceTokenRule, claims: TokenClaims | undefined): TokenContent | ServiceTokenFailure {
  if (claims === undefined) return SERVICE_TOKEN_MISSING;
  const token = readClaims(claims);
  if (!token.ok) return unusableServiceToken(token.problem, 'unreadable');
  return token.value.issuer === issuer ? token.value : unusableServiceToken('Jwt issuer is not configured', 'issuer');
}

function refusedClaims(
  { audience }: ServiceTokenRule,
  token: TokenContent,
  now: number | undefined,
): ServiceTokenFailure | undefined {
  if (now !== undefined) {
    // A token without an end would be a password.
    if (token.expiresAt === undefined || timeProblem({ ...token, notBefore: undefined }, now, 0) !== undefined)
      return invalid('Token expired', DEPTH.time);
    const early = timeProblem(token, now, CLOCK_SKEW_SECONDS);
    if (early !== undefined) return invalid(early, DEPTH.time);
  }
  return token.audiences.includes(audience) ? undefined : invalid('Invalid audience', DEPTH.audience);
}

function insufficient(
  { isSubject, scopesNeeded }: ServiceTokenRule,
  token: TokenContent,
  request: TokenUse['request'],
): ServiceTokenFailure | undefined {
  if (!isSubject(token.subject)) return forbidden('Subject not allowed', token, DEPTH.subject);
  const needed = scopesNeeded(request);
  if (needed === undefined) return forbidden('No rule covers this request', token, DEPTH.rule);
  const held = new Set(listOf(token.claims['scope']));
  if (needed.every((scope) => held.has(scope))) return undefined;
  return { ...forbidden('Insufficient scope', token, DEPTH.scope), scope: needed };
}

function invalid(body: string, depth: number): ServiceTokenFailure {
  return { status: 401, body, error: 'invalid_token', reason: `ServiceTokenPolicy: ${body}`, depth };
}

function forbidden(body: string, { issuer, subject }: TokenContent, depth: number): ServiceTokenFailure {
  const reason = `ServiceTokenPolicy: ${body} (${issuer}/${subject})`;
  return { status: 403, body, error: 'insufficient_scope', reason, depth };
}
