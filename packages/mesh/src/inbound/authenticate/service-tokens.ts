import {
  compileServiceToken,
  judgeServiceTokens,
  ok,
  pathOf,
  SERVICE_TOKEN_MISSING,
  serviceTokenPlaces,
  unusableServiceToken,
} from '@rampart/core';
import type { Clock, ParsedToken, ServiceTokenFailure, ServiceTokenPolicy, ServiceTokenRule } from '@rampart/core';

import type { Carrier } from './carrier.ts';
import type { KeySource } from './keys/key-source.ts';
import { TokenLocations } from './locations.ts';
import { refusal } from './refusal.ts';
import type { AuthenticationRefusal } from './refusal.ts';
import { parseToken } from './token/parse.ts';
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
  readonly rule: ServiceTokenRule;
  readonly source: KeySource;
  readonly locations: TokenLocations;
}

/**
 * Tokens between services, with scopes. Each policy checks, in this order: signature, expiry, audience, then who calls
 * and with which scopes. A request passes when one policy lets it pass.
 */
export class ServiceTokens {
  readonly #checkers: readonly Checker[];
  readonly #rules: readonly ServiceTokenRule[];
  readonly #clock: Clock;
  readonly #verified = new VerifiedTokens<VerifiedToken>();

  constructor(policies: readonly ServiceTokenPolicy[], sources: readonly KeySource[], clock: Clock) {
    this.#clock = clock;
    this.#checkers = policies.flatMap((policy, index) => {
      const source = sources[index];
      return source === undefined ? [] : [checkerOf(policy, source)];
    });
    this.#rules = this.#checkers.map(({ rule }) => rule);
  }

  /** Answers at once when the signature was verified before. */
  identify(carrier: Carrier): CallingService | AuthenticationRefusal | Promise<CallingService | AuthenticationRefusal> {
    const readings = this.#checkers.map((checker) => this.#read(checker, carrier));
    const read: (ParsedToken | ServiceTokenFailure)[] = [];
    for (const reading of readings) {
      if (reading instanceof Promise) return this.#settleLater(carrier, readings);
      read.push(reading);
    }
    return this.#settle(carrier, read);
  }

  async #settleLater(
    carrier: Carrier,
    readings: readonly (ParsedToken | ServiceTokenFailure | Promise<ParsedToken | ServiceTokenFailure>)[],
  ): Promise<CallingService | AuthenticationRefusal> {
    const read: (ParsedToken | ServiceTokenFailure)[] = [];
    for (const reading of readings) read.push(reading instanceof Promise ? await reading : reading);
    return this.#settle(carrier, read);
  }

  /** `readings`: what each checker has read, in their order. */
  #settle(
    carrier: Carrier,
    readings: readonly (ParsedToken | ServiceTokenFailure)[],
  ): CallingService | AuthenticationRefusal {
    const request = { method: carrier.method, path: pathOf(carrier.target) };
    const outcome = judgeServiceTokens(this.#rules, readings, { request, now: this.#clock.now() });
    if (outcome.denied) return refusal(carrier, { ...outcome.failure, policy: outcome.policy });
    return { denied: false, principal: `${outcome.token.issuer}/${outcome.token.subject}` };
  }

  /** The token for one policy, with its signature verified. */
  #read(
    checker: Checker,
    carrier: Carrier,
  ): ParsedToken | ServiceTokenFailure | Promise<ParsedToken | ServiceTokenFailure> {
    const [presented, another] = checker.locations.find(carrier);
    if (presented === undefined) return SERVICE_TOKEN_MISSING;
    if (another !== undefined) return unusableServiceToken('Found multiple Jwt tokens', 'unreadable');
    const known = this.#verified.get(presented.text);
    const parsed = known === undefined ? parseToken(presented.text) : ok(known.token);
    if (!parsed.ok) return unusableServiceToken(parsed.problem, 'unreadable');
    const token = parsed.value;
    if (token.issuer !== checker.rule.issuer) return unusableServiceToken('Jwt issuer is not configured', 'issuer');
    return known?.source === checker.source ? token : this.#prove(token, checker);
  }

  async #prove(token: ParsedToken, { source }: Checker): Promise<ParsedToken | ServiceTokenFailure> {
    const verdict = await verifySignature(token, source);
    if ('problem' in verdict) return unusableServiceToken(verdict.problem, 'signature');
    this.#verified.put({ token, source, keys: verdict.keys });
    return token;
  }
}

function checkerOf(policy: ServiceTokenPolicy, source: KeySource): Checker {
  return { rule: compileServiceToken(policy), source, locations: new TokenLocations(serviceTokenPlaces(policy.spec)) };
}
