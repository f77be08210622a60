import { isDryRun } from '../../resource/dry-run.ts';
import type { AuthorizationAction } from '../../resource/authorization/policy.ts';
import { qualifiedName, type AuthorizationPolicy } from '../../resource/resource.ts';
import type { TrustDomains } from '../match/identity.ts';
import { compileRule, type CompiledRule } from './rule.ts';

/** One AuthorizationPolicy of a workload, ready to be tested. */
export interface CompiledPolicy {
  /** "namespace/name". */
  readonly name: string;
  readonly action: AuthorizationAction;
  readonly dryRun: boolean;
  /** Name of the external authorizer; "" unless the action is CUSTOM. */
  readonly provider: string;
  readonly rules: readonly CompiledRule[];
}

/** A rule together with the policy it stands in. */
export interface PolicyRule {
  readonly policy: CompiledPolicy;
  readonly rule: CompiledRule;
}

export function compilePolicy(policy: AuthorizationPolicy, trustDomains: TrustDomains): CompiledPolicy {
  const { action, provider, rules = [] } = policy.spec;
  const context = { policyNamespace: policy.metadata.namespace, trustDomains };
  return {
    name: qualifiedName(policy),
    action,
    dryRun: isDryRun(policy),
    provider: provider?.name ?? '',
    rules: rules.map((rule, index) => compileRule(rule, index, context)),
  };
}

export function rulesOf(policies: readonly CompiledPolicy[]): PolicyRule[] {
  return policies.flatMap((policy) => policy.rules.map((rule) => ({ policy, rule })));
}
