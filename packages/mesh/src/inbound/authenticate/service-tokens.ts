import { compileScopeRules, compileSubjects, pathOf, qualifiedName } from '@rampart/core';
import type { Clock, ScopesNeeded, ServiceTokenPolicy } from '@rampart/core';

import type { Carrier } from './carrier.ts';
import type { KeySource } from './keys/key-source.ts';
import { TokenLocations } from './locations.ts';
import { refusal } from './refusal.ts';
import type { AuthenticationRefusal, RefusalParts } from './refusal.ts';
import { listOf } from './token/claims.ts';
import { parseToken } from './token/parse.ts';
import type { ParsedToken } from './token/parse.ts';
import { CLOCK_SKEW_SECONDS, timeProblem } from './token/validity.ts';
import { VerifiedTokens } from './verified-tokens.ts';
import type { VerifiedToken } from './verified-tokens.ts';
import { verifySignature } from './verify-token.ts';

/** The service behind a token. */
export interface CallingService {
  readonly denied: false;
  /** "iss/sub". */
  readonly principal: string;
}

interface Checker {
  /** "namespace/name". */
  readonly name: string;
  readonly policy: ServiceTokenPolicy['spec'];
  readonly source: KeySource;
  readonly locations: TokenLocations;
  readonly scopesNeeded: ScopesNeeded;
  readonly isSubject: (subject: string) => boolean;
}

type Failure = Omit<RefusalParts, 'policy'>;

/**
 * Tokens between services, with scopes. Each policy checks, in this order: signature, expiry, audience, then who calls
 * and with which scopes. A request passes when one policy lets it pass.
 */
export class ServiceTokens {
  readonly #checkers: readonly Checker[];
  readonly #clock: Clock;
  readonly #verified = new VerifiedTokens<VerifiedToken>();

  constructor(policies: readonly ServiceTokenPolicy[], sources: readonly KeySource[], clock: Clock) {
    this.#clock = clock;
    this.#checkers = policies.flatMap((policy, index) => {
      const source = sources[index];
      return source === undefined ? [] : [checkerOf(policy, source)];
    });
  }

  async identify(carrier: Carrier): Promise<CallingService | AuthenticationRefusal> {
    let closest: (Failure & { readonly policy: string; readonly depth: number }) | undefined;
    for (const checker of this.#checkers) {
      const outcome = await this.#check(checker, carrier);
      if (!('depth' in outcome)) return outcome;
      if (closest === undefined || outcome.depth > closest.depth) closest = { ...outcome, policy: checker.name };
    }
    return refusal(carrier, closest ?? { ...MISSING, policy: '' });
  }

  /** `depth` grows with every check that was passed: of several policies, the one that came closest says what is wrong. */
  async #check(checker: Checker, carrier: Carrier): Promise<CallingService | (Failure & { readonly depth: number })> {
    const [presented, another] = checker.locations.find(carrier);
    if (presented === undefined) return { ...MISSING, depth: 0 };
    if (another !== undefined) return { ...invalid('Found multiple Jwt tokens'), depth: 1 };
    const parsed = parseToken(presented.text);
    if (!parsed.ok) return { ...invalid(parsed.problem), depth: 1 };
    const token = parsed.value;
    if (token.issuer !== checker.policy.issuer) return { ...invalid('Jwt issuer is not configured'), depth: 2 };
    const unproven = await this.#prove(token, checker);
    if (unproven !== undefined) return { ...unproven, depth: 3 };
    const refused = refusedClaims(checker, token, this.#clock.now()) ?? insufficient(checker, token, carrier);
    return refused ?? { denied: false, principal: `${token.issuer}/${token.subject}` };
  }

  async #prove(token: ParsedToken, { source }: Checker): Promise<Failure | undefined> {
    if (this.#verified.get(token.text)?.source === source) return undefined;
    const verdict = await verifySignature(token, source);
    if ('problem' in verdict) return invalid(verdict.problem);
    this.#verified.put({ token, source, keys: verdict.keys });
    return undefined;
  }
}

function checkerOf(policy: ServiceTokenPolicy, source: KeySource): Checker {
  const { spec } = policy;
  return {
    name: qualifiedName(policy),
    policy: spec,
    source,
    locations: new TokenLocations({ fromHeaders: spec.fromHeaders ?? [{ name: 'Authorization', prefix: 'Bearer ' }] }),
    scopesNeeded: compileScopeRules(spec.rules),
    isSubject: compileSubjects(spec.subjects),
  };
}

function refusedClaims(
  { policy }: Checker,
  token: ParsedToken,
  now: number,
): (Failure & { readonly depth: number }) | undefined {
  // A token without an end would be a password.
  if (token.expiresAt === undefined || timeProblem({ ...token, notBefore: undefined }, now, 0) !== undefined)
    return { ...invalid('Token expired'), depth: 4 };
  const early = timeProblem(token, now, CLOCK_SKEW_SECONDS);
  if (early !== undefined) return { ...invalid(early), depth: 4 };
  return token.audiences.includes(policy.audience) ? undefined : { ...invalid('Invalid audience'), depth: 5 };
}

function insufficient(
  { isSubject, scopesNeeded }: Checker,
  token: ParsedToken,
  carrier: Carrier,
): (Failure & { readonly depth: number }) | undefined {
  if (!isSubject(token.subject)) return { ...forbidden('Subject not allowed', token), depth: 6 };
  const needed = scopesNeeded({ method: carrier.method, path: pathOf(carrier.target) });
  if (needed === undefined) return { ...forbidden('No rule covers this request', token), depth: 7 };
  const held = new Set(listOf(token.claims['scope']));
  if (needed.every((scope) => held.has(scope))) return undefined;
  return { ...forbidden('Insufficient scope', token), scope: needed, depth: 8 };
}

const MISSING: Failure = {
  status: 401,
  body: 'Jwt is missing',
  error: '',
  reason: 'ServiceTokenPolicy: the request has no token',
};

function invalid(body: string): Failure {
  return { status: 401, body, error: 'invalid_token', reason: `ServiceTokenPolicy: ${body}` };
}

function forbidden(body: string, { issuer, subject }: ParsedToken): Failure {
  const reason = `ServiceTokenPolicy: ${body} (${issuer}/${subject})`;
  return { status: 403, body, error: 'insufficient_scope', reason };
}
