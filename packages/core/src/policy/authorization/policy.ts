import { isDryRun } from '../../resource/dry-run.ts';
import { qualifiedName, type AuthorizationPolicy } from '../../resource/resource.ts';
import type { TrustDomains } from '../match/identity.ts';
import { compileRule, type CompiledRule } from './rule.ts';

/** One AuthorizationPolicy of a workload, ready to be tested. */
export interface CompiledPolicy {
  /** "namespace/name". */
  readonly name: string;
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT';
  readonly dryRun: boolean;
  readonly rules: readonly CompiledRule[];
}

/** A rule together with the policy it stands in. */
export interface PolicyRule {
  readonly policy: CompiledPolicy;
  readonly rule: CompiledRule;
}

/** Undefined for action CUSTOM, which an external authorizer decides. */
export function compilePolicy(policy: AuthorizationPolicy, trustDomains: TrustDomains): CompiledPolicy | undefined {
  const { action, rules = [] } = policy.spec;
  if (action === 'CUSTOM') return undefined;
  const context = { policyNamespace: policy.metadata.namespace, trustDomains };
  return {
    name: qualifiedName(policy),
    action,
    dryRun: isDryRun(policy),
    rules: rules.map((rule, index) => compileRule(rule, index, context)),
  };
}
