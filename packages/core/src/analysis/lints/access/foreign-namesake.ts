import type { AuthorizationSource } from '../../../resource/authorization/source.ts';
import type { Lint } from '../../lint/lint.ts';

/** `namespaces` and `serviceAccounts` match identities of any trust domain (Istio); a partner names its namespaces as it likes. */
export const foreignNamesake: Lint = {
  code: 'RAMP2007',
  name: 'foreign-namesake',
  severity: 'warning',
  title: 'a rule lets in namespaces or service accounts of federated trust domains by the same name',
  find: (mesh) => {
    const partners = mesh.ofKind('FederatedTrustDomain').map(({ spec }) => spec.trustDomain);
    if (partners.length === 0) return [];
    return mesh.rules
      .filter(({ policy: { spec } }) => spec.action === 'ALLOW')
      .flatMap(({ policy: resource, rule, at }) =>
        (rule.from ?? []).flatMap(({ source }, index) => {
          const field = openField(source);
          if (field === undefined) return [];
          const message = `matches ${[...new Set(partners)].join(', ')} too, whose operators choose the names of their namespaces: put trustDomains: [${mesh.facts.trustDomain}] beside it, or name principals`;
          return [{ resource, field: `${at}.from[${index}].source.${field}`, message }];
        }),
      );
  },
};

function openField(source: AuthorizationSource): 'namespaces' | 'serviceAccounts' | undefined {
  const { namespaces = [], serviceAccounts = [], trustDomains = [], principals = [] } = source;
  if (trustDomains.length > 0 || principals.length > 0) return undefined;
  if (namespaces.length > 0) return 'namespaces';
  return serviceAccounts.length > 0 ? 'serviceAccounts' : undefined;
}
