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
      const issuers = verifiedIssuers(resource, mesh);
      if (issuers.length > 0) return strangeIssuers(rule, at, issuers).map((sighting) => ({ resource, ...sighting }));
      return tokenFields(rule, at).map((field) => ({
        resource,
        field,
        message:
          'asks about a token, but no RequestAuthentication for these workloads verifies any: the rule sees none, whatever is sent. Add one with the issuer in jwtRules',
      }));
    }),
};

/** Values that name an issuer whose tokens nobody verifies; only those whose issuer is written out can be told. */
function strangeIssuers(
  { from = [], when = [] }: AuthorizationRule,
  at: string,
  issuers: readonly string[],
): readonly { readonly field: string; readonly message: string }[] {
  const strange = (values: readonly string[] = [], field: string) =>
    values.flatMap((value, index) => {
      const issuer = value.slice(0, Math.max(0, value.lastIndexOf('/')));
      if (issuer === '' || issuer.includes('*') || issuers.includes(issuer)) return [];
      const message = `no RequestAuthentication for these workloads verifies tokens of ${issuer}, but those of ${issuers.join(', ')}: issuers are compared letter by letter`;
      return [{ field: `${field}[${index}]`, message }];
    });
  return [
    ...from.flatMap(({ source }, index) => [
      ...strange(source.requestPrincipals, `${at}.from[${index}].source.requestPrincipals`),
      ...strange(source.notRequestPrincipals, `${at}.from[${index}].source.notRequestPrincipals`),
    ]),
    ...when.flatMap(({ key, values, notValues }, index) =>
      key === 'request.auth.principal'
        ? [...strange(values, `${at}.when[${index}].values`), ...strange(notValues, `${at}.when[${index}].notValues`)]
        : [],
    ),
  ];
}

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

/** Issuers whose tokens are verified for any workload that the policy reaches. */
function verifiedIssuers(policy: AuthorizationPolicy, mesh: AnalyzedMesh): readonly string[] {
  return mesh
    .ofKind('RequestAuthentication')
    .filter(({ metadata, spec }) => {
      const isInReach =
        metadata.namespace === policy.metadata.namespace ||
        mesh.isRoot(metadata.namespace) ||
        mesh.isRoot(policy.metadata.namespace);
      const wanted = policy.spec.selector?.matchLabels ?? {};
      const labels = Object.entries(spec.selector?.matchLabels ?? {});
      return isInReach && labels.every(([key, value]) => wanted[key] === undefined || wanted[key] === value);
    })
    .flatMap(({ spec }) => spec.jwtRules.map(({ issuer }) => issuer));
}
