import type { AuthorizationRule } from '../../../resource/authorization/rule.ts';
import type { AuthorizationPolicy } from '../../../resource/resource.ts';
import type { AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const tokenNotVerified: Lint = {
  code: 'RAMP2005',
  name: 'token-not-verified',
  severity: 'error',
  title: 'a rule asks about a token that no RequestAuthentication verifies',
  find: (mesh) =>
    mesh.rules.flatMap(({ policy: resource, rule, at }) => {
      if (isVerified(resource, mesh)) return [];
      return tokenFields(rule, at).map((field) => ({
        resource,
        field,
        message:
          'asks about a token, but no RequestAuthentication for these workloads verifies any: the rule sees none, whatever is sent. Add one with the issuer in jwtRules',
      }));
    }),
};

function tokenFields({ from = [], when = [] }: AuthorizationRule, at: string): readonly string[] {
  return [
    ...from.flatMap(({ source }, index) =>
      (['requestPrincipals', 'notRequestPrincipals'] as const)
        .filter((field) => (source[field] ?? []).length > 0)
        .map((field) => `${at}.from[${index}].source.${field}`),
    ),
    ...when.flatMap(({ key }, index) => (key.startsWith('request.auth.') ? [`${at}.when[${index}].key`] : [])),
  ];
}

/** Whether a RequestAuthentication reaches any workload that the policy reaches. */
function isVerified(policy: AuthorizationPolicy, mesh: AnalyzedMesh): boolean {
  return mesh.ofKind('RequestAuthentication').some(({ metadata, spec }) => {
    const isInReach =
      metadata.namespace === policy.metadata.namespace ||
      mesh.isRoot(metadata.namespace) ||
      mesh.isRoot(policy.metadata.namespace);
    const wanted = policy.spec.selector?.matchLabels ?? {};
    const labels = Object.entries(spec.selector?.matchLabels ?? {});
    return isInReach && labels.every(([key, value]) => wanted[key] === undefined || wanted[key] === value);
  });
}
