import type { AuthorizerDemand } from '../authorizer-demand.ts';
import type { Verdict } from '../verdict.ts';
import { isExplainedByTarget } from './explanation-memo.ts';
import { asksHttpOnly, demandsOf, type Providers } from './external.ts';
import { rulesOf, type CompiledPolicy } from './policy.ts';
import { RuleSet } from './program/rule-set.ts';
import { asksHttp, withoutHttp } from './rule.ts';
import { matchVerdict } from './verdicts.ts';

/** All AuthorizationPolicies of one workload. */
export class PolicySet {
  /** Those that allow; where there is none, everything is allowed that nothing denies. */
  readonly allowing: readonly CompiledPolicy[];
  /** Those that are reported on but decide nothing. */
  readonly observed: readonly CompiledPolicy[];
  readonly hasDryRun: boolean;
  readonly custom: RuleSet<AuthorizerDemand>;
  /** Rules that deny, then rules that allow: the first that matches decides. */
  readonly enforced: RuleSet<Verdict>;
  readonly observers: RuleSet<CompiledPolicy>;
  readonly #others: readonly CompiledPolicy[];
  readonly #custom: readonly CompiledPolicy[];
  readonly #providers: Providers;
  /** Whether denials of one method, host and path on one connection have one explanation. */
  readonly isExplainedByTarget: boolean;
  #withoutHttp: PolicySet | undefined;

  /** Takes policies in Istio's order. */
  constructor(policies: readonly CompiledPolicy[], providers: Providers) {
    const enforced = (action: CompiledPolicy['action']): CompiledPolicy[] =>
      policies.filter((policy) => policy.action === action && !policy.dryRun);
    this.#custom = enforced('CUSTOM');
    this.#others = policies.filter((policy) => policy.action !== 'CUSTOM');
    this.#providers = providers;
    this.allowing = enforced('ALLOW');
    this.observed = policies.filter((policy) => policy.dryRun || policy.action === 'AUDIT');
    this.hasDryRun = policies.some((policy) => policy.dryRun);
    this.custom = new RuleSet(rulesOf(this.#custom), demandsOf(this.#custom, providers));
    this.enforced = new RuleSet(rulesOf([...enforced('DENY'), ...this.allowing]), matchVerdict);
    this.isExplainedByTarget = isExplainedByTarget(this.allowing);
    this.observers = new RuleSet(rulesOf(this.observed), ({ policy }) => policy);
  }

  /**
   * The policies as they are for traffic that is not HTTP (Istio): an ALLOW rule that asks anything of HTTP is dropped
   * whole, of every other rule only what it asks of HTTP, so that it takes more. Authorizers that speak HTTP are not
   * asked about it.
   */
  withoutHttp(): PolicySet {
    if (this.#withoutHttp === undefined) {
      const kept = asksHttpOnly(this.#custom, this.#providers) ? this.#others : [...this.#custom, ...this.#others];
      this.#withoutHttp = new PolicySet(kept.map(overTcp), this.#providers);
    }
    return this.#withoutHttp;
  }
}

function overTcp(policy: CompiledPolicy): CompiledPolicy {
  const rules =
    policy.action === 'ALLOW' ? policy.rules.filter((rule) => !asksHttp(rule)) : policy.rules.map(withoutHttp);
  return { ...policy, rules };
}
