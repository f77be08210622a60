import type { RequestAttributes } from '../attributes.ts';
import type { AuthorizerDemand } from '../authorizer-demand.ts';
import type { ConnectionPolicy } from '../connection-policy.ts';
import type { Verdict } from '../verdict.ts';
import type { ConnectionFacts } from './checks/check.ts';
import { Denial, type Explainer } from './denial.ts';
import { ExplanationMemo } from './explanation-memo.ts';
import { explainNoMatch, type Explanation } from './explanation.ts';
import { suspects, type ExplainedCall } from './near-miss.ts';
import { NO_OBSERVATIONS, observe } from './observers.ts';
import type { PolicySet } from './policy-set.ts';
import type { CompiledPolicy, PolicyRule } from './policy.ts';
import type { Program } from './program/program.ts';
import { methodBit } from './program/methods.ts';
import { everyRule, type LiveRules } from './program/live-rules.ts';
import { defaultVerdict, verdictOf } from './verdicts.ts';

export interface ConnectionInput {
  readonly policies: PolicySet;
  readonly facts: ConnectionFacts;
  /** "mTLS STRICT from namespace production". */
  readonly mode: string;
  /** Set when the connection is refused whatever the policies say. */
  readonly refusal: Verdict | undefined;
  /** Who explains denials, where that is another. */
  readonly explainer?: (request: RequestAttributes) => Explanation;
}

const NOT_ALLOWED = { decision: 'DENY', action: 'ALLOW' } as const;

/** The policies of a workload narrowed to one connection, or to all connections that are the same to them. */
export class PolicedConnection implements ConnectionPolicy, Explainer {
  // What every request asks for stands first, so that it lies together in memory.
  readonly #refusal: Verdict | undefined;
  readonly #program: Program<Verdict> | undefined;
  readonly #byDefault: Verdict | undefined;
  readonly #isObserved: boolean;
  readonly mode: string;
  readonly #input: ConnectionInput;
  readonly #live: LiveRules<Verdict>;
  readonly #custom: Program<AuthorizerDemand> | undefined;
  readonly #observers: Program<CompiledPolicy> | undefined;
  #notAdmitted: Verdict | undefined;
  #memo: ExplanationMemo | undefined;
  #suspects: readonly PolicyRule[] | undefined;
  #overTcp: PolicedConnection | undefined;

  constructor(input: ConnectionInput) {
    const { policies, facts, mode } = input;
    this.#live = policies.enforced.live(facts, mode);
    this.#refusal = input.refusal;
    this.#program = this.#live.index;
    this.#byDefault = policies.allowing.length === 0 ? defaultVerdict(mode) : undefined;
    this.#isObserved = policies.observed.length > 0;
    this.mode = mode;
    this.#input = input;
    this.#custom = policies.custom.live(facts, mode).index;
    this.#observers = policies.observers.live(facts, mode).index;
  }

  admitTransport(): Verdict | undefined {
    return this.#refusal;
  }

  admit(): Verdict | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    const always = this.#live.always?.outcome;
    if (always?.decision === 'DENY') return always;
    if (this.#byDefault !== undefined || everyRule(this.#live).some(isAllowing)) return undefined;
    const { facts } = this.#input;
    this.#notAdmitted ??= verdictOf({
      ...NOT_ALLOWED,
      ...this.#explain({ facts, request: undefined, isHttp: true }),
      mode: this.mode,
    });
    return this.#notAdmitted;
  }

  demand(request: RequestAttributes): AuthorizerDemand | undefined {
    if (this.#refusal !== undefined) return { kind: 'deny', verdict: this.#refusal };
    return this.#custom?.first(request, methodBit(request.method))?.outcome;
  }

  evaluate(request: RequestAttributes): Verdict {
    if (this.#refusal !== undefined) return this.#refusal;
    const method = methodBit(request.method);
    const decided = this.#program?.first(request, method)?.outcome ?? this.#byDefault;
    if (this.#isObserved) return this.#observed(request, decided);
    return decided ?? new Denial(this, request, NO_OBSERVATIONS);
  }

  demandTcp(): AuthorizerDemand | undefined {
    return this.#tcp().demand(rawRequest(this.#input.facts));
  }

  evaluateTcp(): Verdict {
    return this.#tcp().evaluate(rawRequest(this.#input.facts));
  }

  explain(request: RequestAttributes): Explanation {
    const { policies, facts, explainer } = this.#input;
    if (explainer !== undefined) return explainer(request);
    const explain = (): Explanation => this.#explain({ facts, request, isHttp: true });
    if (!policies.isExplainedByTarget) return explain();
    this.#memo ??= new ExplanationMemo();
    return this.#memo.of(request, explain);
  }

  #observed(request: RequestAttributes, decided: Verdict | undefined): Verdict {
    const { observed, hasDryRun } = this.#input.policies;
    const matched = this.#observers?.all(request, methodBit(request.method)) ?? [];
    if (matched.length === 0 && !hasDryRun) return decided ?? new Denial(this, request, NO_OBSERVATIONS);
    const observations = observe(observed, matched, decided ?? NOT_ALLOWED);
    return decided === undefined ? new Denial(this, request, observations) : { ...decided, ...observations };
  }

  #explain(call: ExplainedCall): Explanation {
    const { policies, facts } = this.#input;
    this.#suspects ??= suspects(policies.enforced.likeliest(this.#live, facts, isAllowing));
    return explainNoMatch({ policies: policies.allowing, rules: this.#suspects }, call);
  }

  /** The same connection, were it to carry something else than HTTP; denials are explained by the rules as written. */
  #tcp(): PolicedConnection {
    const { facts, policies } = this.#input;
    this.#overTcp ??= new PolicedConnection({
      ...this.#input,
      policies: policies.withoutHttp(),
      explainer: (request) => this.#explain({ facts, request, isHttp: false }),
    });
    return this.#overTcp;
  }
}

function isAllowing({ policy }: PolicyRule): boolean {
  return policy.action === 'ALLOW';
}

/** What stands for a request where there is none: an address, and nothing of HTTP. */
function rawRequest({ attributes }: ConnectionFacts): RequestAttributes {
  return {
    method: '',
    path: '',
    host: '',
    token: undefined,
    remoteIp: attributes.clientIp ?? attributes.sourceIp,
    header: () => undefined,
  };
}
