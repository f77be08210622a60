import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from '../index.ts';
import { connectionOf, requestOf, type Call } from './calls.ts';
import { claim, requestPrincipal } from './naive-token.ts';

/** What is judged: an HTTP request, or a connection that carries something else. */
export interface NaiveInput {
  readonly call: Call;
  readonly carries: 'http' | 'tcp';
  /** The trust domain and its former names. */
  readonly trustDomains: readonly string[];
}

interface Field extends NaiveInput {
  readonly policyNamespace: string;
}

const HTTP_SOURCES = ['requestPrincipals', 'notRequestPrincipals'] as const;
const HTTP_OPERATIONS = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const;
const HTTP_KEY = /^request\./;

/** Which rule of a policy matches first; -1 when none does. */
export function matchingRule(policy: AuthorizationPolicy, input: NaiveInput): number {
  const field = { ...input, policyNamespace: policy.metadata.namespace };
  return (policy.spec.rules ?? []).findIndex((rule) => {
    if (input.carries === 'tcp' && policy.spec.action === 'ALLOW' && asksHttp(rule)) return false;
    return matchesRule(rule, field);
  });
}

function asksHttp(rule: AuthorizationRule): boolean {
  return (
    (rule.from ?? []).some(({ source }) => HTTP_SOURCES.some((name) => (source[name] ?? []).length > 0)) ||
    (rule.to ?? []).some(({ operation }) => HTTP_OPERATIONS.some((name) => (operation[name] ?? []).length > 0)) ||
    (rule.when ?? []).some(({ key }) => HTTP_KEY.test(key))
  );
}

function matchesRule(rule: AuthorizationRule, field: Field): boolean {
  const from = rule.from ?? [];
  const to = rule.to ?? [];
  return (
    (from.length === 0 || from.some(({ source }) => matchesSource(source, field))) &&
    (to.length === 0 || to.some(({ operation }) => matchesOperation(operation, field))) &&
    (rule.when ?? []).every((condition) => matchesCondition(condition, field))
  );
}

function matchesSource(source: AuthorizationSource, field: Field): boolean {
  const { call } = field;
  const isHttp = field.carries === 'http';
  return (
    list(source.principals, source.notPrincipals, (value) => principal(value, field)) &&
    list(source.namespaces, source.notNamespaces, (value) => namespaceOf(value, call)) &&
    list(source.serviceAccounts, source.notServiceAccounts, (value) => serviceAccount(value, field)) &&
    list(source.trustDomains, source.notTrustDomains, (value) => trustDomain(value, field)) &&
    list(source.ipBlocks, source.notIpBlocks, (value) => ip(value, connectionOf(call).sourceIp)) &&
    list(source.remoteIpBlocks, source.notRemoteIpBlocks, (value) => ip(value, remoteIp(field))) &&
    (!isHttp || list(source.requestPrincipals, source.notRequestPrincipals, (value) => requestPrincipal(value, call)))
  );
}

function matchesOperation(operation: AuthorizationOperation, { call, carries }: Field): boolean {
  const { method, path, host } = requestOf(call);
  const isHttp = carries === 'http';
  return (
    (!isHttp || list(operation.methods, operation.notMethods, (value) => text(value, method))) &&
    (!isHttp || list(operation.paths, operation.notPaths, (value) => pathMatch(value, path))) &&
    (!isHttp || list(operation.hosts, operation.notHosts, (value) => text(value.toLowerCase(), host.toLowerCase()))) &&
    list(operation.ports, operation.notPorts, (value) => Number(value) === connectionOf(call).destinationPort)
  );
}

function matchesCondition({ key, values, notValues }: AuthorizationCondition, field: Field): boolean {
  if (field.carries === 'tcp' && HTTP_KEY.test(key)) return true;
  return list(values, notValues, (value) => attribute(key, value, field));
}

function attribute(key: string, value: string, field: Field): boolean {
  const { call } = field;
  const connection = connectionOf(call);
  if (key === 'source.principal') return principal(value, field);
  if (key === 'source.namespace') return namespaceOf(value, call);
  if (key === 'source.serviceAccount') return serviceAccount(value, field);
  if (key === 'source.trustDomain') return trustDomain(value, field);
  if (key === 'source.ip') return ip(value, connection.sourceIp);
  if (key === 'remote.ip') return ip(value, remoteIp(field));
  if (key === 'destination.ip') return ip(value, connection.destinationIp);
  if (key === 'destination.port') return Number(value) === connection.destinationPort;
  if (key === 'connection.sni') return value === '*' ? connection.sni !== '' : text(value, connection.sni);
  if (key === 'request.auth.principal') return requestPrincipal(value, call);
  if (key.startsWith('request.auth.')) return claim(key, value, call);
  const header = requestOf(call).header(key.slice('request.headers['.length, -1).toLowerCase());
  return header !== undefined && text(value, header);
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

/** Without HTTP nobody names a client but the peer itself. */
function remoteIp({ call, carries }: Field): string {
  return carries === 'http' ? requestOf(call).remoteIp : connectionOf(call).sourceIp;
}

function principal(value: string, { call, trustDomains }: Field): boolean {
  const uri = uriOf(call);
  if (uri === undefined) return false;
  return withAliases(value, trustDomains).some((alias) => {
    if (alias === '*') return uri !== '';
    if (alias.startsWith('*')) return uri.startsWith('spiffe://') && uri.endsWith(alias.slice(1));
    if (alias.endsWith('*')) return uri.startsWith(`spiffe://${alias.slice(0, -1)}`);
    return uri === `spiffe://${alias}`;
  });
}

/** Istio's `ReplaceTrustDomainAliases`, word for word. */
function withAliases(value: string, trustDomains: readonly string[]): string[] {
  const parts = value.split('/');
  const [domain = ''] = parts;
  if (parts.length !== 5 || domain === '*') return [value];
  const isOurs = domain === 'cluster.local' || trustDomains.some((name) => text(domain, name));
  if (!isOurs) return [value];
  return trustDomains.map((name) =>
    domain.startsWith('*') && name.endsWith(domain.slice(1)) ? value : [name, ...parts.slice(1)].join('/'),
  );
}

function namespaceOf(value: string, call: Call): boolean {
  const uri = uriOf(call);
  const name = value.split('*').map(escape).join('.*');
  return uri !== undefined && new RegExp(`^.*/ns/${name}/.*$`).test(uri);
}

function serviceAccount(value: string, { call, policyNamespace }: Field): boolean {
  const uri = uriOf(call);
  const [namespace = '', account = ''] = value.includes('/') ? value.split('/') : [policyNamespace, value];
  const form = `^spiffe://.+/ns/${escape(namespace)}/(.+/|)sa/${escape(account)}(/.+)?$`;
  return uri !== undefined && new RegExp(form).test(uri);
}

function trustDomain(value: string, { call, trustDomains }: Field): boolean {
  const uri = uriOf(call);
  const isOurs = value === 'cluster.local' || trustDomains.includes(value);
  const names = value.includes('*') || !isOurs ? [value] : [value, ...trustDomains];
  return uri !== undefined && names.some((name) => domainForm(name).test(uri));
}

function domainForm(name: string): RegExp {
  return new RegExp(`^spiffe://${name.split('*').map(escape).join('[^/]*')}/`);
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
