import type { TokenFacts, WorkloadPolicy } from '@rampart/core';

import type { Carrier, HeaderChanges } from './carrier.ts';
import type { AuthenticationRefusal } from './refusal.ts';
import type { AuthenticationFindings, AuthenticationRules } from './rules.ts';

export type Authentication = Authenticated | AuthenticationRefusal;

/**
 * Evidence that one request went through the authenticate step, by which rules, and what that found. Only
 * `Authenticated.by` makes it, and `Permit.judge` asks for it where a workload has such rules.
 */
export class Authenticated implements AuthenticationFindings {
  readonly denied = false;
  readonly token: TokenFacts | undefined;
  readonly changes: HeaderChanges | undefined;
  readonly principal: string;
  readonly #rules: AuthenticationRules;

  private constructor({ token, changes, principal }: AuthenticationFindings, rules: AuthenticationRules) {
    this.token = token;
    this.changes = changes;
    this.principal = principal;
    this.#rules = rules;
  }

  /** Judges the tokens of a request; at once where nothing has to be verified. */
  static by(rules: AuthenticationRules, carrier: Carrier): Authentication | Promise<Authentication> {
    const findings = rules.examine(carrier);
    if (findings instanceof Promise) return findings.then((found) => Authenticated.#of(found, rules));
    return Authenticated.#of(findings, rules);
  }

  static #of(found: AuthenticationFindings | AuthenticationRefusal, rules: AuthenticationRules): Authentication {
    return found.denied ? found : new Authenticated(found, rules);
  }

  /** Whether the rules it was judged by are those of a policy. */
  covers(policy: WorkloadPolicy): boolean {
    return this.#rules.isFor(policy);
  }
}
