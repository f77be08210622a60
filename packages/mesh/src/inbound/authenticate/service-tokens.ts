import { compileScopeRules, compileSubjects, ok, pathOf, qualifiedName } from '@rampart/core';
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

/** `depth` grows with every check that was passed: of several policies, the one that came closest says what is wrong. */
type Failure = Omit<RefusalParts, 'policy'> & { readonly depth: number };

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

  /** Answers at once when the signature was verified before. */
  identify(carrier: Carrier): CallingService | AuthenticationRefusal | Promise<CallingService | AuthenticationRefusal> {
    const readings = this.#checkers.map((checker) => this.#read(checker, carrier));
    const read: (ParsedToken | Failure)[] = [];
    for (const reading of readings) {
      if (reading instanceof Promise) return this.#settleLater(carrier, readings);
      read.push(reading);
    }
    return this.#settle(carrier, read);
  }

  async #settleLater(
    carrier: Carrier,
    readings: readonly (ParsedToken | Failure | Promise<ParsedToken | Failure>)[],
  ): Promise<CallingService | AuthenticationRefusal> {
    const read: (ParsedToken | Failure)[] = [];
    for (const reading of readings) read.push(reading instanceof Promise ? await reading : reading);
    return this.#settle(carrier, read);
  }

  /** `readings`: what each checker has read, in their order. */
  #settle(carrier: Carrier, readings: readonly (ParsedToken | Failure)[]): CallingService | AuthenticationRefusal {
    const now = this.#clock.now();
    let closest: (Failure & { readonly policy: string }) | undefined;
    for (const [index, checker] of this.#checkers.entries()) {
      const reading = readings[index] ?? MISSING;
      const failure =
        'depth' in reading
          ? reading
          : (refusedClaims(checker, reading, now) ?? insufficient(checker, reading, carrier));
      if (failure === undefined && !('depth' in reading))
        return { denied: false, principal: `${reading.issuer}/${reading.subject}` };
      if (failure !== undefined && failure.depth >= (closest?.depth ?? 0))
        closest = { ...failure, policy: checker.name };
    }
    return refusal(carrier, closest ?? { ...MISSING, policy: '' });
  }

  /** The token for one policy, with its signature verified. */
  #read(checker: Checker, carrier: Carrier): ParsedToken | Failure | Promise<ParsedToken | Failure> {
    const [presented, another] = checker.locations.find(carrier);
    if (presented === undefined) return MISSING;
    if (another !== undefined) return invalid('Found multiple Jwt tokens', 1);
    const known = this.#verified.get(presented.text);
    const parsed = known === undefined ? parseToken(presented.text) : ok(known.token);
    if (!parsed.ok) return invalid(parsed.problem, 1);
    const token = parsed.value;
    if (token.issuer !== checker.policy.issuer) return invalid('Jwt issuer is not configured', 2);
    return known?.source === checker.source ? token : this.#prove(token, checker);
  }

  async #prove(token: ParsedToken, { source }: Checker): Promise<ParsedToken | Failure> {
    const verdict = await verifySignature(token, source);
    if ('problem' in verdict) return invalid(verdict.problem, 3);
    this.#verified.put({ token, source, keys: verdict.keys });
    return token;
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

function refusedClaims({ policy }: Checker, token: ParsedToken, now: number): Failure | undefined {
  // A token without an end would be a password.
  if (token.expiresAt === undefined || timeProblem({ ...token, notBefore: undefined }, now, 0) !== undefined)
    return invalid('Token expired', 4);
  const early = timeProblem(token, now, CLOCK_SKEW_SECONDS);
  if (early !== undefined) return invalid(early, 4);
  return token.audiences.includes(policy.audience) ? undefined : invalid('Invalid audience', 5);
}

function insufficient({ isSubject, scopesNeeded }: Checker, token: ParsedToken, carrier: Carrier): Failure | undefined {
  if (!isSubject(token.subject)) return forbidden('Subject not allowed', token, 6);
  const needed = scopesNeeded({ method: carrier.method, path: pathOf(carrier.target) });
  if (needed === undefined) return forbidden('No rule covers this request', token, 7);
  const held = new Set(listOf(token.claims['scope']));
  if (needed.every((scope) => held.has(scope))) return undefined;
  return { ...forbidden('Insufficient scope', token, 8), scope: needed };
}

const MISSING: Failure = {
  status: 401,
  body: 'Jwt is missing',
  error: '',
  reason: 'ServiceTokenPolicy: the request has no token',
  depth: 0,
};

function invalid(body: string, depth: number): Failure {
  return { status: 401, body, error: 'invalid_token', reason: `ServiceTokenPolicy: ${body}`, depth };
}

function forbidden(body: string, { issuer, subject }: ParsedToken, depth: number): Failure {
  const reason = `ServiceTokenPolicy: ${body} (${issuer}/${subject})`;
  return { status: 403, body, error: 'insufficient_scope', reason, depth };
}
