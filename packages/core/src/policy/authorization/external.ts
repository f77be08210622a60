import type { AuthorizerDemand } from '../authorizer-demand.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import type { CompiledPolicy, PolicyRule } from './policy.ts';
import { verdictOf } from './verdicts.ts';

export type Providers = MeshSettings['providers'];

/**
 * What a matching rule of a CUSTOM policy leads to: its provider is asked, or the request is denied because there is none
 * to ask. All CUSTOM policies of a workload must name the same provider (Istio).
 */
export function demandsOf(
  policies: readonly CompiledPolicy[],
  providers: Providers,
): (rule: PolicyRule, mode: string) => AuthorizerDemand {
  const names = [...new Set(policies.map(({ provider }) => provider))];
  const provider = names.length === 1 ? providers.get(names[0] ?? '') : undefined;
  return ({ policy, rule }, mode) => {
    if (provider !== undefined) return Object.freeze({ kind: 'ask', provider, policy: policy.name, rule: rule.index });
    const reason = `rules[${rule.index}] of CUSTOM policy ${policy.name} matched, but ${whyNobody(names)}`;
    const verdict = {
      decision: 'DENY',
      policy: policy.name,
      rule: rule.index,
      action: 'CUSTOM',
      reason,
      mode,
    } as const;
    return Object.freeze({ kind: 'deny', verdict: verdictOf(verdict) });
  };
}

/** Whether traffic that is not HTTP skips these policies: an authorizer that speaks HTTP cannot be asked about it. */
export function asksHttpOnly(policies: readonly CompiledPolicy[], providers: Providers): boolean {
  const [first] = policies;
  return (
    first !== undefined &&
    policies.every(({ provider }) => provider === first.provider) &&
    providers.get(first.provider)?.transport === 'http'
  );
}

function whyNobody(names: readonly string[]): string {
  return names.length === 1
    ? `the mesh configuration has no extension provider ${names.join()}`
    : `the CUSTOM policies of a workload must name one provider, these name ${names.toSorted().join(', ')}`;
}
