import type { RequestAttributes } from './attributes.ts';
import type { AuthorizerDemand } from './authorizer-demand.ts';
import type { ConnectionFacts } from './authorization/check.ts';
import { explainNoMatch } from './authorization/explanation.ts';
import { matchesAlways, matchesRequest } from './authorization/live-rule.ts';
import { observe } from './authorization/observers.ts';
import type { LivePolicies, PolicySet } from './authorization/policy-set.ts';
import { verdictOf } from './authorization/verdicts.ts';
import type { Verdict } from './verdict.ts';

/** The policies of a workload as they bear on one connection. */
export interface ConnectionPolicy {
  /** The part that PeerAuthentication decides: a DENY verdict for plaintext on a STRICT port, else undefined. */
  admitTransport(): Verdict | undefined;
  /** All that the connection alone decides: a DENY verdict when no request on it could be allowed, else undefined. */
  admit(): Verdict | undefined;
  /** What CUSTOM policies ask before `evaluate` counts; undefined when nothing. Allocates nothing without such a policy. */
  demand(request: RequestAttributes): AuthorizerDemand | undefined;
  /** The verdict on one HTTP request. Allocates nothing when allowed, unless AUDIT or dry-run policies have something to add. */
  evaluate(request: RequestAttributes): Verdict;
  /** The verdict on a connection that carries something else than HTTP. */
  evaluateTcp(): Verdict;
}

export interface ConnectionInput {
  readonly policies: PolicySet;
  readonly facts: ConnectionFacts;
  /** "mTLS STRICT from namespace production". */
  readonly mode: string;
  /** Set when the connection is refused whatever the policies say. */
  readonly refusal: Verdict | undefined;
}

export class PolicedConnection implements ConnectionPolicy {
  readonly #input: ConnectionInput;
  readonly #live: LivePolicies;

  constructor(input: ConnectionInput) {
    this.#input = input;
    this.#live = input.policies.live(input.facts, input.mode);
  }

  admitTransport(): Verdict | undefined {
    return this.#input.refusal;
  }

  admit(): Verdict | undefined {
    if (this.#input.refusal !== undefined) return this.#input.refusal;
    const { deny, allow, byDefault } = this.#live;
    const denied = deny.find(matchesAlways);
    if (denied !== undefined) return denied.verdict;
    return byDefault === undefined && allow.length === 0 ? this.#notAllowed(undefined) : undefined;
  }

  demand(_request: RequestAttributes): AuthorizerDemand | undefined {
    const { refusal } = this.#input;
    return refusal === undefined ? undefined : { kind: 'deny', verdict: refusal };
  }

  evaluate(request: RequestAttributes): Verdict {
    if (this.#input.refusal !== undefined) return this.#input.refusal;
    const verdict = this.#decide(request);
    const { observed } = this.#live;
    return observed.length === 0 ? verdict : observe(verdict, observed, request);
  }

  evaluateTcp(): Verdict {
    const { refusal, policies, facts, mode } = this.#input;
    if (refusal !== undefined) return refusal;
    const { deny, allow, byDefault } = policies.liveTcp(facts, mode);
    const decided = deny[0]?.verdict ?? byDefault ?? allow[0]?.verdict;
    return decided ?? this.#notAllowed(undefined);
  }

  #decide(request: RequestAttributes): Verdict {
    const { deny, allow, byDefault } = this.#live;
    for (const rule of deny) if (matchesRequest(rule, request)) return rule.verdict;
    if (byDefault !== undefined) return byDefault;
    for (const rule of allow) if (matchesRequest(rule, request)) return rule.verdict;
    return this.#notAllowed(request);
  }

  #notAllowed(request: RequestAttributes | undefined): Verdict {
    const { policies, facts, mode } = this.#input;
    const explanation = explainNoMatch(policies.allow, { facts, request });
    return verdictOf({ decision: 'DENY', action: 'ALLOW', ...explanation, mode });
  }
}
