import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from '../index.ts';
import { connectionOf, requestOf, type Call } from './calls.ts';

/**
 * A second reading of Istio's rules, written for plainness only: regular expressions as Istio builds them, nothing
 * compiled, nothing narrowed. What the real evaluator decides must be what this one decides.
 */
export function naiveDecision(policies: readonly AuthorizationPolicy[], call: Call): 'ALLOW' | 'DENY' {
  const matching = (policy: AuthorizationPolicy): boolean =>
    (policy.spec.rules ?? []).some((rule) => matchesRule(rule, policy.metadata.namespace, call));
  const denies = policies.filter((policy) => policy.spec.action === 'DENY');
  const allows = policies.filter((policy) => policy.spec.action === 'ALLOW');
  if (denies.some(matching)) return 'DENY';
  return allows.length === 0 || allows.some(matching) ? 'ALLOW' : 'DENY';
}

function matchesRule(rule: AuthorizationRule, namespace: string, call: Call): boolean {
  const from = rule.from ?? [];
  const to = rule.to ?? [];
  return (
    (from.length === 0 || from.some(({ source }) => matchesSource(source, namespace, call))) &&
    (to.length === 0 || to.some(({ operation }) => matchesOperation(operation, call))) &&
    (rule.when ?? []).every((condition) => matchesCondition(condition, namespace, call))
  );
}

function matchesSource(source: AuthorizationSource, namespace: string, call: Call): boolean {
  return (
    list(source.principals, source.notPrincipals, (value) => principal(value, call)) &&
    list(source.namespaces, source.notNamespaces, (value) => namespaceOf(value, call)) &&
    list(source.serviceAccounts, source.notServiceAccounts, (value) => serviceAccount(value, namespace, call)) &&
    list(source.ipBlocks, source.notIpBlocks, (value) => ip(value, connectionOf(call).sourceIp))
  );
}

function matchesOperation(operation: AuthorizationOperation, call: Call): boolean {
  const { method, path, host } = requestOf(call);
  return (
    list(operation.methods, operation.notMethods, (value) => text(value, method)) &&
    list(operation.paths, operation.notPaths, (value) => pathMatch(value, path)) &&
    list(operation.hosts, operation.notHosts, (value) => text(value.toLowerCase(), host.toLowerCase())) &&
    list(operation.ports, operation.notPorts, (value) => Number(value) === connectionOf(call).destinationPort)
  );
}

function matchesCondition({ key, values, notValues }: AuthorizationCondition, namespace: string, call: Call): boolean {
  return list(values, notValues, (value) => {
    if (key === 'source.principal') return principal(value, call);
    if (key === 'source.namespace') return namespaceOf(value, call);
    if (key === 'source.serviceAccount') return serviceAccount(value, namespace, call);
    if (key === 'source.ip') return ip(value, connectionOf(call).sourceIp);
    if (key === 'destination.port') return Number(value) === connectionOf(call).destinationPort;
    const header = requestOf(call).header(key.slice('request.headers['.length, -1).toLowerCase());
    return header !== undefined && text(value, header);
  });
}

function list(
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  matches: (value: string) => boolean,
): boolean {
  return (!values?.length || values.some(matches)) && !(notValues ?? []).some(matches);
}

function uriOf(call: Call): string | undefined {
  const identity = connectionOf(call).principal;
  return identity === undefined ? undefined : `spiffe://${identity}`;
}

function principal(value: string, call: Call): boolean {
  const uri = uriOf(call);
  if (uri === undefined) return false;
  if (value === '*') return /^.+$/.test(uri);
  if (value.startsWith('*')) return new RegExp(`^spiffe://.*${escape(value.slice(1))}$`).test(uri);
  if (value.endsWith('*')) return uri.startsWith(`spiffe://${value.slice(0, -1)}`);
  return uri === `spiffe://${value}`;
}

function namespaceOf(value: string, call: Call): boolean {
  const uri = uriOf(call);
  const name = value.split('*').map(escape).join('.*');
  return uri !== undefined && new RegExp(`^.*/ns/${name}/.*$`).test(uri);
}

function serviceAccount(value: string, policyNamespace: string, call: Call): boolean {
  const uri = uriOf(call);
  const [namespace = '', account = ''] = value.includes('/') ? value.split('/') : [policyNamespace, value];
  const form = `^spiffe://.+/ns/${escape(namespace)}/(.+/|)sa/${escape(account)}(/.+)?$`;
  return uri !== undefined && new RegExp(form).test(uri);
}

function text(value: string, subject: string): boolean {
  if (value === '*') return true;
  if (value.startsWith('*')) return subject.endsWith(value.slice(1));
  if (value.endsWith('*')) return subject.startsWith(value.slice(0, -1));
  return subject === value;
}

function pathMatch(value: string, path: string): boolean {
  if (!/\{\*{1,2}\}/.test(value)) return value === '*' ? path !== '' : text(value, path);
  const form = escape(value).replaceAll('\\{\\*\\*\\}', '.*').replaceAll('\\{\\*\\}', '[^/]+');
  return new RegExp(`^${form}$`).test(path);
}

/** Dotted IPv4 only. */
function ip(block: string, address: string): boolean {
  const bits = (dotted: string): string =>
    dotted
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('');
  const [base = '', prefix = '32'] = block.split('/');
  return bits(base).slice(0, Number(prefix)) === bits(address).slice(0, Number(prefix));
}

function escape(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
