import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationOperation } from '../../resource/authorization/operation.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import { looksSecret } from '../secret-shape.ts';

/** "GET, POST /orders, /orders/{*} port 8080": an operation on one line, "anything" for undefined. */
export function describeOperation(operation: AuthorizationOperation | undefined): string {
  if (operation === undefined) return 'anything';
  const { methods = [], notMethods = [], paths = [], notPaths = [] } = operation;
  const parts = [
    listed('', methods),
    listed(methods.length === 0 ? 'any method but ' : 'but not ', notMethods),
    listed('', paths),
    listed(paths.length === 0 ? 'any path but ' : 'but not ', notPaths),
    listed('port ', operation.ports),
    listed('any port but ', operation.notPorts),
    listed('host ', operation.hosts),
    listed('any host but ', operation.notHosts),
  ];
  return parts.filter((part) => part !== '').join(' ') || 'anything';
}

const SOURCE_WORDS: Readonly<Record<keyof AuthorizationSource, string>> = {
  principals: 'as',
  notPrincipals: 'not as',
  namespaces: 'of namespace',
  notNamespaces: 'not of namespace',
  serviceAccounts: 'as service account',
  notServiceAccounts: 'not as service account',
  trustDomains: 'of trust domain',
  notTrustDomains: 'not of trust domain',
  ipBlocks: 'from',
  notIpBlocks: 'not from',
  remoteIpBlocks: 'for a client in',
  notRemoteIpBlocks: 'for a client not in',
  requestPrincipals: 'with a token of',
  notRequestPrincipals: 'without a token of',
};

/** "from 10.0.0.0/8, with a token of https://issuer/*". */
export function describeSource(source: AuthorizationSource): string {
  return Object.entries(SOURCE_WORDS)
    .map(([field, words]) => listed(`${words} `, source[field as keyof AuthorizationSource]))
    .filter((part) => part !== '')
    .join(', ');
}

/** "request.headers[x-version] is 2 or 3"; values that look like secrets are left out. */
export function describeCondition({ key, values = [], notValues = [] }: AuthorizationCondition): string {
  const shown = (list: readonly string[]): string =>
    list.map((value) => (looksSecret(value) ? '(a secret)' : value)).join(' or ');
  const parts = [
    ...(values.length > 0 ? [`is ${shown(values)}`] : []),
    ...(notValues.length > 0 ? [`is not ${shown(notValues)}`] : []),
  ];
  return `${key} ${parts.join(' and ')}`;
}

function listed(before: string, values: readonly string[] = []): string {
  return values.length === 0 ? '' : `${before}${values.join(', ')}`;
}
