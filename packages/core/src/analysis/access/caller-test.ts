import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import {
  compileNamespaces,
  compilePrincipals,
  compileServiceAccounts,
  compileTrustDomains,
  type TrustDomains,
} from '../../policy/match/identity.ts';
import type { TextTest } from '../../policy/match/text-patterns.ts';

/** How the words of a policy about callers are read. */
export interface CallerContext {
  readonly policyNamespace: string;
  readonly trustDomains: TrustDomains;
}

/** What of a source depends on who calls, and on nothing else. */
const IDENTITY_FIELDS = ['principals', 'namespaces', 'serviceAccounts', 'trustDomains'] as const;
type IdentityField = (typeof IDENTITY_FIELDS)[number];

const NOT_FIELDS = {
  principals: 'notPrincipals',
  namespaces: 'notNamespaces',
  serviceAccounts: 'notServiceAccounts',
  trustDomains: 'notTrustDomains',
} as const satisfies Record<IdentityField, keyof AuthorizationSource>;

const CONDITION_FIELDS: Readonly<Record<string, IdentityField>> = {
  'source.principal': 'principals',
  'source.namespace': 'namespaces',
  'source.serviceAccount': 'serviceAccounts',
  'source.trustDomain': 'trustDomains',
};

/** Whether a source can be this caller (undefined: one without identity), whatever else it asks. */
export function isCaller(source: AuthorizationSource, principal: string | undefined, context: CallerContext): boolean {
  return IDENTITY_FIELDS.every((field) =>
    holds(field, { values: source[field], notValues: source[NOT_FIELDS[field]] }, { principal, context }),
  );
}

/** What a source asks besides who calls. */
export function withoutCaller(source: AuthorizationSource): AuthorizationSource {
  const asked = new Set<string>([...IDENTITY_FIELDS, ...Object.values(NOT_FIELDS)]);
  return Object.fromEntries(
    Object.entries<readonly string[]>({ ...source }).filter(
      ([field, values]) => !asked.has(field) && values.length > 0,
    ),
  );
}

/** Whether a condition holds for a caller; undefined when it is about something else. */
export function callerCondition(
  condition: AuthorizationCondition,
  principal: string | undefined,
  context: CallerContext,
): boolean | undefined {
  const field = CONDITION_FIELDS[condition.key];
  return field === undefined ? undefined : holds(field, condition, { principal, context });
}

interface Values {
  readonly values?: readonly string[] | undefined;
  readonly notValues?: readonly string[] | undefined;
}

function holds(
  field: IdentityField,
  { values = [], notValues = [] }: Values,
  { principal, context }: { readonly principal: string | undefined; readonly context: CallerContext },
): boolean {
  const matches = (list: readonly string[]): boolean =>
    principal !== undefined && compile(field, list, context)(principal);
  return (values.length === 0 || matches(values)) && (notValues.length === 0 || !matches(notValues));
}

function compile(field: IdentityField, values: readonly string[], context: CallerContext): TextTest {
  switch (field) {
    case 'principals':
      return compilePrincipals(values, context.trustDomains);
    case 'namespaces':
      return compileNamespaces(values);
    case 'serviceAccounts':
      return compileServiceAccounts(values, context.policyNamespace);
    case 'trustDomains':
      return compileTrustDomains(values, context.trustDomains);
  }
}
