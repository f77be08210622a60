import { closest } from '../../../resource/spelling.ts';
import { WORKLOADS_UNKNOWN, type PlacedRule } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const unknownServiceAccount: Lint = {
  code: 'RAMP3005',
  name: 'unknown-service-account',
  severity: 'warning',
  title: 'a rule names an identity that nobody has',
  find: (mesh) => {
    const { principals: known } = mesh;
    if (known === undefined) return { notChecked: WORKLOADS_UNKNOWN };
    return mesh.rules.flatMap((placed) =>
      namedIdentities(placed, mesh.facts.trustDomain)
        .filter(({ principal }) => isOurs(principal, mesh.facts.trustDomain) && !known.has(principal))
        .map(({ principal, field }) => {
          const near = closest(principal, neighboursOf(principal, known));
          const advice = near === undefined ? 'check its namespace and name' : `did you mean ${near}?`;
          return { resource: placed.policy, field, message: `no workload has the identity ${principal}; ${advice}` };
        }),
    );
  },
};

/** Those of the same namespace, or of the same name in another: what a slip is most likely to have missed. */
function neighboursOf(principal: string, known: ReadonlySet<string>): readonly string[] {
  const [, , namespace, , account] = principal.split('/');
  return [...known]
    .filter((other) => other.includes(`/ns/${namespace}/`) || other.endsWith(`/sa/${account}`))
    .slice(0, MOST_NEIGHBOURS);
}

const MOST_NEIGHBOURS = 50;

/** Identities of another trust domain cannot be known here. */
function isOurs(principal: string, trustDomain: string): boolean {
  return principal.startsWith(`${trustDomain}/`);
}

function namedIdentities(
  { policy, rule, at }: PlacedRule,
  trustDomain: string,
): readonly { readonly principal: string; readonly field: string }[] {
  const principals = (values: readonly string[] = [], field: string) =>
    values.flatMap((value, index) =>
      value.includes('*') ? [] : [{ principal: withTrustDomain(value, trustDomain), field: `${field}[${index}]` }],
    );
  const accounts = (values: readonly string[] = [], field: string) =>
    values.map((value, index) => {
      const [namespace, account] = value.includes('/') ? value.split('/') : [policy.metadata.namespace, value];
      return { principal: `${trustDomain}/ns/${namespace}/sa/${account}`, field: `${field}[${index}]` };
    });
  return [
    ...(rule.from ?? []).flatMap(({ source }, index) => [
      ...principals(source.principals, `${at}.from[${index}].source.principals`),
      ...principals(source.notPrincipals, `${at}.from[${index}].source.notPrincipals`),
      ...accounts(source.serviceAccounts, `${at}.from[${index}].source.serviceAccounts`),
      ...accounts(source.notServiceAccounts, `${at}.from[${index}].source.notServiceAccounts`),
    ]),
    ...(rule.when ?? []).flatMap(({ key, values, notValues }, index) => {
      const field = `${at}.when[${index}]`;
      const read = key === 'source.principal' ? principals : accounts;
      if (key !== 'source.principal' && key !== 'source.serviceAccount') return [];
      return [...read(values, `${field}.values`), ...read(notValues, `${field}.notValues`)];
    }),
  ];
}

/** A principal written for Istio's default trust domain means the one that the mesh has. */
function withTrustDomain(principal: string, trustDomain: string): string {
  const local = 'cluster.local/';
  return principal.startsWith(local) ? `${trustDomain}/${principal.slice(local.length)}` : principal;
}
