import type { Verdict } from '../verdict.ts';
import type { ConnectionFacts } from './check.ts';
import { narrow, type LiveRule } from './live-rule.ts';
import type { ObservedPolicy } from './observers.ts';
import type { CompiledPolicy } from './policy.ts';
import { MatchVerdicts, verdictOf } from './verdicts.ts';

/** What of a workload's policies can still matter on one connection. */
export interface LivePolicies {
  readonly deny: readonly LiveRule[];
  readonly allow: readonly LiveRule[];
  readonly observed: readonly ObservedPolicy[];
  /** The verdict when there is no ALLOW policy at all; undefined when there is one. */
  readonly byDefault: Verdict | undefined;
}

/** All AuthorizationPolicies of one workload. */
export class PolicySet {
  readonly allow: readonly CompiledPolicy[];
  readonly #deny: readonly CompiledPolicy[];
  readonly #observed: readonly CompiledPolicy[];
  readonly #verdicts = new MatchVerdicts();
  readonly #defaults = new Map<string, Verdict>();

  constructor(policies: readonly CompiledPolicy[]) {
    const enforced = policies.filter((policy) => !policy.dryRun);
    this.allow = enforced.filter((policy) => policy.action === 'ALLOW');
    this.#deny = enforced.filter((policy) => policy.action === 'DENY');
    this.#observed = policies.filter((policy) => policy.dryRun || policy.action === 'AUDIT');
  }

  /** Judges by the connection all that it decides, once, so that each request is held against the rest only. */
  live(facts: ConnectionFacts, mode: string): LivePolicies {
    return {
      deny: this.#narrow(this.#deny, facts, mode),
      allow: this.#narrow(this.allow, facts, mode),
      observed: this.#observed.map((policy) => ({
        name: policy.name,
        role: policy.action === 'AUDIT' ? 'audit' : policy.action === 'DENY' ? 'dry-run-deny' : 'dry-run-allow',
        rules: this.#narrow([policy], facts, mode),
      })),
      byDefault: this.allow.length === 0 ? this.#byDefault(mode) : undefined,
    };
  }

  /**
   * What is left for traffic that is not HTTP (Istio): an ALLOW rule that asks anything of HTTP is dropped whole, of a
   * DENY rule only what it asks of HTTP, so that it denies more.
   */
  liveTcp(facts: ConnectionFacts, mode: string): Pick<LivePolicies, 'deny' | 'allow' | 'byDefault'> {
    const withoutHttp = this.allow.map((policy) => ({
      ...policy,
      rules: policy.rules.filter((rule) => !rule.asksHttp),
    }));
    return {
      deny: this.#narrow(this.#deny, facts, mode),
      allow: this.#narrow(withoutHttp, facts, mode),
      byDefault: this.allow.length === 0 ? this.#byDefault(mode) : undefined,
    };
  }

  #narrow(policies: readonly CompiledPolicy[], facts: ConnectionFacts, mode: string): LiveRule[] {
    const live: LiveRule[] = [];
    for (const policy of policies) {
      for (const rule of policy.rules) {
        const left = narrow(rule, facts, () => this.#verdicts.of({ policy, rule }, mode));
        if (left !== undefined) live.push(left);
      }
    }
    return live;
  }

  #byDefault(mode: string): Verdict {
    let verdict = this.#defaults.get(mode);
    if (verdict === undefined) {
      const reason = 'no ALLOW policy is about this workload, and no DENY policy matched';
      verdict = verdictOf({ decision: 'ALLOW', policy: '', rule: -1, action: '', reason, mode });
      this.#defaults.set(mode, verdict);
    }
    return verdict;
  }
}
