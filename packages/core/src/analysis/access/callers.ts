import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import type { AuthorizationPolicy } from '../../resource/resource.ts';

/** A caller, or a group of callers that policies cannot tell apart. */
export interface Caller {
  readonly kind: 'identity' | 'namespace' | 'any-identity' | 'plaintext';
  /** Principal, or namespace; "" for the others. */
  readonly name: string;
  /** What policies are asked about: for a group, a member that nobody has named. */
  readonly principal: string | undefined;
}

/** A service account no policy can have meant: longer than Kubernetes lets any be. */
const NOBODY = 'x'.repeat(254);

/**
 * Everybody worth a row: identities that exist, those that policies name, the rest of each namespace that policies name,
 * any other identity, and callers without one.
 */
export function callersOf(
  policies: readonly AuthorizationPolicy[],
  identities: readonly string[],
  trustDomain: string,
): readonly Caller[] {
  const principals = new Set(identities);
  const namespaces = new Set<string>();
  for (const policy of policies) {
    for (const source of sourcesOf(policy)) {
      for (const value of plain(source.principals, source.notPrincipals)) principals.add(value);
      for (const value of plain(source.namespaces, source.notNamespaces)) namespaces.add(value);
      for (const value of plain(source.serviceAccounts, source.notServiceAccounts)) {
        const [namespace, account] = value.includes('/') ? value.split('/') : [policy.metadata.namespace, value];
        principals.add(`${trustDomain}/ns/${namespace}/sa/${account}`);
      }
    }
  }
  const stranger = (namespace: string): string => `${trustDomain}/ns/${namespace}/sa/${NOBODY}`;
  return [
    ...[...principals].sort().map((name): Caller => ({ kind: 'identity', name, principal: name })),
    ...[...namespaces].sort().map((name): Caller => ({ kind: 'namespace', name, principal: stranger(name) })),
    { kind: 'any-identity', name: '', principal: stranger(NOBODY) },
    { kind: 'plaintext', name: '', principal: undefined },
  ];
}

/** What a policy says of callers, in its sources and its conditions alike. */
function sourcesOf({ spec }: AuthorizationPolicy): readonly AuthorizationSource[] {
  return (spec.rules ?? []).flatMap(({ from = [], when = [] }) => [
    ...from.map(({ source }) => source),
    ...when.map(({ key, values: positive = [], notValues = [] }): AuthorizationSource => {
      const values = [...positive, ...notValues];
      if (key === 'source.principal') return { principals: values };
      if (key === 'source.namespace') return { namespaces: values };
      return key === 'source.serviceAccount' ? { serviceAccounts: values } : {};
    }),
  ]);
}

function plain(values: readonly string[] = [], notValues: readonly string[] = []): readonly string[] {
  return [...values, ...notValues].filter((value) => !value.includes('*'));
}
