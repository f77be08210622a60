import type { RequestAttributes } from '../attributes.ts';
import type { DryRunVerdict, Verdict } from '../verdict.ts';
import type { Explanation } from './explanation.ts';
import type { Observations } from './observers.ts';

/** What can say why a request was not allowed. */
export interface Explainer {
  readonly mode: string;
  explain(request: RequestAttributes): Explanation;
}

/**
 * The verdict that no ALLOW rule matched a request. Why is worked out when it is first asked for: looking for the rule
 * that came closest costs far more than the decision.
 */
export class Denial implements Verdict {
  readonly decision = 'DENY';
  readonly action = 'ALLOW';
  readonly audit: readonly string[];
  readonly dryRun: readonly DryRunVerdict[];
  readonly dryRunDecision: Verdict['dryRunDecision'];
  readonly mode: string;
  readonly #explainer: Explainer;
  readonly #request: RequestAttributes;
  #explanation: Explanation | undefined;

  constructor(explainer: Explainer, request: RequestAttributes, { audit, dryRun, dryRunDecision }: Observations) {
    this.audit = audit;
    this.dryRun = dryRun;
    this.dryRunDecision = dryRunDecision;
    this.mode = explainer.mode;
    this.#explainer = explainer;
    this.#request = request;
  }

  get policy(): string {
    return this.#explained().policy;
  }

  get rule(): number {
    return this.#explained().rule;
  }

  get reason(): string {
    return this.#explained().reason;
  }

  /** The fields of every verdict, in their order. */
  toJSON(): Verdict {
    const { decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode } = this;
    return { decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode };
  }

  #explained(): Explanation {
    this.#explanation ??= this.#explainer.explain(this.#request);
    return this.#explanation;
  }
}
