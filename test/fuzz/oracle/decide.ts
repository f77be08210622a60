import {
  isDryRun,
  type AuthorizationCondition,
  type AuthorizationOperation,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type AuthorizationSource,
} from '@rampart/core';

import type { OracleCall } from './call.ts';
import {
  isNamespace,
  isPrincipal,
  isRequestPrincipal,
  isServiceAccount,
  isTrustDomain,
  type MeshNames,
} from './identity.ts';
import { isInBlock, isTemplate, isText, lowered } from './text.ts';

/** What policies are read against. */
export interface Ground {
  readonly call: OracleCall;
  readonly names: MeshNames;
  /** Whether dry-run policies count as if they were enforced. */
  readonly dryRunToo?: boolean;
}

/**
 * A third reading of Istio's rules (policy by policy, value by value, nothing compiled), kept apart from the engine and
 * from its tests: where the three differ, one of them has read wrongly.
 */
export function decide(policies: readonly AuthorizationPolicy[], ground: Ground): 'ALLOW' | 'DENY' {
  return conclude(policies, ground, (policy, rule) =>
    matches(rule, { ...ground, namespace: policy.metadata.namespace }),
  );
}

/** The same for a connection that carries no HTTP: ALLOW rules that ask for it are gone, DENY rules ask for less. */
export function decideTcp(policies: readonly AuthorizationPolicy[], ground: Ground): 'ALLOW' | 'DENY' {
  const { connection, request } = ground.call;
  // Nothing forwards an address without HTTP: the client is who connects.
  const call = { connection, request: { ...request, remoteIp: connection.sourceIp } };
  return conclude(policies, ground, (policy, rule) => {
    const rest = withoutHttp(rule);
    const isWhole = JSON.stringify(rest) === JSON.stringify(rule);
    if (policy.spec.action === 'ALLOW' && !isWhole) return false;
    return matches(rest, { ...ground, call, namespace: policy.metadata.namespace });
  });
}

type RuleTest = (policy: AuthorizationPolicy, rule: AuthorizationRule) => boolean;

function conclude(
  policies: readonly AuthorizationPolicy[],
  { dryRunToo = false }: Ground,
  test: RuleTest,
): 'ALLOW' | 'DENY' {
  const enforced = policies.filter((policy) => dryRunToo || !isDryRun(policy));
  const isMet = (policy: AuthorizationPolicy): boolean => (policy.spec.rules ?? []).some((rule) => test(policy, rule));
  if (enforced.some((policy) => policy.spec.action === 'DENY' && isMet(policy))) return 'DENY';
  const allows = enforced.filter((policy) => policy.spec.action === 'ALLOW');
  return allows.length === 0 || allows.some(isMet) ? 'ALLOW' : 'DENY';
}

function withoutHttp(rule: AuthorizationRule): AuthorizationRule {
  const isHttp = (key: string): boolean => key.startsWith('request.');
  return {
    ...(rule.from && {
      from: rule.from.map(({ source: { requestPrincipals: _rp, notRequestPrincipals: _nrp, ...source } }) => ({
        source,
      })),
    }),
    ...(rule.to && {
      to: rule.to.map(({ operation: { ports, notPorts } }) => ({
        operation: { ...(ports && { ports }), ...(notPorts && { notPorts }) },
      })),
    }),
    ...(rule.when && { when: rule.when.filter(({ key }) => !isHttp(key)) }),
  };
}

interface RuleGround extends Ground {
  /** Of the policy. */
  readonly namespace: string;
}

function matches(rule: AuthorizationRule, ground: RuleGround): boolean {
  const { from = [], to = [], when = [] } = rule;
  return (
    (from.length === 0 || from.some(({ source }) => isSource(source, ground))) &&
    (to.length === 0 || to.some(({ operation }) => isOperation(operation, ground))) &&
    when.every((condition) => isMet(condition, ground))
  );
}

/** One of the values, and none of the others; a list that is absent asks nothing. */
function listed(
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  test: (value: string) => boolean,
): boolean {
  return (values === undefined || values.length === 0 || values.some(test)) && !(notValues ?? []).some(test);
}

function isSource(source: AuthorizationSource, ground: RuleGround): boolean {
  const test = (attribute: string): ((value: string) => boolean) => tester(attribute, ground);
  return (
    listed(source.principals, source.notPrincipals, test('source.principal')) &&
    listed(source.requestPrincipals, source.notRequestPrincipals, test('request.auth.principal')) &&
    listed(source.namespaces, source.notNamespaces, test('source.namespace')) &&
    listed(source.serviceAccounts, source.notServiceAccounts, test('source.serviceAccount')) &&
    listed(source.trustDomains, source.notTrustDomains, test('source.trustDomain')) &&
    listed(source.ipBlocks, source.notIpBlocks, test('source.ip')) &&
    listed(source.remoteIpBlocks, source.notRemoteIpBlocks, test('remote.ip'))
  );
}

function isOperation(operation: AuthorizationOperation, ground: RuleGround): boolean {
  const { method, path, host } = ground.call.request;
  return (
    listed(operation.hosts, operation.notHosts, (value) => isText(lowered(value), lowered(host), 'any')) &&
    listed(operation.ports, operation.notPorts, tester('destination.port', ground)) &&
    listed(operation.methods, operation.notMethods, (value) => isText(value, method, 'any')) &&
    listed(operation.paths, operation.notPaths, (value) =>
      /\{\*{1,2}\}/.test(value) ? isTemplate(value, path) : isText(value, path, 'non-empty'),
    )
  );
}

function isMet({ key, values, notValues }: AuthorizationCondition, ground: RuleGround): boolean {
  return listed(values, notValues, tester(key, ground));
}

/** What a value of one attribute is held against. */
function tester(key: string, ground: RuleGround): (value: string) => boolean {
  const { connection, request } = ground.call;
  if (key.startsWith('source.') && key !== 'source.ip') return identityTester(key, ground);
  if (key.startsWith('request.auth.')) return tokenTester(key, ground);
  if (key.startsWith('request.headers[')) {
    const header = headerOf(ground.call, lowered(key.slice('request.headers['.length, -1)));
    return (value) => header !== undefined && isText(value, header, 'any');
  }
  switch (key) {
    case 'source.ip':
      return (value) => isInBlock(value, connection.sourceIp);
    case 'remote.ip':
      return (value) => isInBlock(value, request.remoteIp);
    case 'destination.ip':
      return (value) => isInBlock(value, connection.destinationIp);
    case 'destination.port':
      return (value) => Number(value) === connection.destinationPort;
    case 'connection.sni':
      return (value) => isText(value, connection.sni, 'non-empty');
    default:
      throw new Error(`the oracle does not know ${key}`);
  }
}

function headerOf({ request }: OracleCall, name: string): string | undefined {
  if (name === ':method') return request.method;
  if (name === ':authority') return request.host;
  return name === 'host' ? request.host || undefined : request.header(name);
}

function identityTester(key: string, { call, names, namespace }: RuleGround): (value: string) => boolean {
  const { principal } = call.connection;
  if (principal === undefined) return () => false;
  switch (key) {
    case 'source.principal':
      return (value) => isPrincipal(value, principal, names);
    case 'source.namespace':
      return (value) => isNamespace(value, principal);
    case 'source.serviceAccount':
      return (value) => isServiceAccount(value, principal, namespace);
    case 'source.trustDomain':
      return (value) => isTrustDomain(value, principal, names);
    default:
      throw new Error(`the oracle does not know ${key}`);
  }
}

function tokenTester(key: string, { call }: RuleGround): (value: string) => boolean {
  const { token } = call.request;
  if (token === undefined) return () => false;
  if (key === 'request.auth.principal') return (value) => isRequestPrincipal(value, token.issuer, token.subject);
  const path = claimPath(key);
  const texts = claimTexts(token.claims, path, ['scope', 'permission', ...token.spaceDelimitedClaims]);
  return (value) => texts.some((text) => isText(value, text, 'non-empty'));
}

/** "request.auth.claims[a][b]" → a, b; brackets that do not nest are one name. */
function claimPath(key: string): string[] {
  if (key === 'request.auth.audiences') return ['aud'];
  if (key === 'request.auth.presenter') return ['azp'];
  const brackets = key.slice('request.auth.claims'.length);
  return /^(?:\[[^[\]]+\])+$/.test(brackets) ? brackets.slice(1, -1).split('][') : [brackets.slice(1, -1)];
}

/** The texts that a claim holds: itself, its members, or its words when it is a list written with spaces. */
function claimTexts(
  claims: Readonly<Record<string, unknown>>,
  path: readonly string[],
  spaced: readonly string[],
): string[] {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
    value = (value as Record<string, unknown>)[name];
  }
  if (Array.isArray(value)) return value.filter((member) => typeof member === 'string');
  if (typeof value !== 'string') return [];
  return path.length === 1 && spaced.includes(path[0] ?? '') ? value.split(' ') : [value];
}
