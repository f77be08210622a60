import type { AuthorizationOperation } from '../../resource/authorization/operation.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import { compileCondition, type CheckGroup } from './checks/conditions.ts';
import {
  namespaceChecks,
  portChecks,
  principalChecks,
  serviceAccountChecks,
  sourceIpChecks,
  trustDomainChecks,
  type CheckContext,
} from './checks/connection-checks.ts';
import type { FieldValues } from './checks/field-values.ts';
import { hostChecks, methodChecks, pathChecks, remoteIpChecks } from './checks/request-checks.ts';
import { requestPrincipalChecks } from './checks/token-checks.ts';

/** A rule ready to be tested: any source, and any operation, and all conditions; an empty list asks nothing. */
export interface CompiledRule {
  readonly index: number;
  readonly sources: readonly CheckGroup[];
  readonly operations: readonly CheckGroup[];
  readonly conditions: CheckGroup;
}

export function compileRule(rule: AuthorizationRule, index: number, context: CheckContext): CompiledRule {
  const at = `rules[${index}]`;
  const conditions = (rule.when ?? []).map((condition, position) =>
    compileCondition(condition, `${at}.when[${position}]`, context),
  );
  return {
    index,
    sources: (rule.from ?? []).map(({ source }, position) =>
      compileSource(source, `${at}.from[${position}].source`, context),
    ),
    operations: (rule.to ?? []).map(({ operation }, position) =>
      compileOperation(operation, `${at}.to[${position}].operation`),
    ),
    conditions: {
      connection: conditions.flatMap((group) => group.connection),
      request: conditions.flatMap((group) => group.request),
    },
  };
}

/** Whether anything in a rule needs an HTTP request. */
export function asksHttp(rule: CompiledRule): boolean {
  return groupsOf(rule).some((group) => group.request.some((check) => check.subject.isHttp));
}

/** The rule without what it asks of HTTP. */
export function withoutHttp(rule: CompiledRule): CompiledRule {
  const strip = (group: CheckGroup): CheckGroup => ({
    connection: group.connection,
    request: group.request.filter((check) => !check.subject.isHttp),
  });
  return {
    index: rule.index,
    sources: rule.sources.map(strip),
    operations: rule.operations.map(strip),
    conditions: strip(rule.conditions),
  };
}

export function groupsOf(rule: CompiledRule): readonly CheckGroup[] {
  return [...rule.sources, ...rule.operations, rule.conditions];
}

function compileSource(source: AuthorizationSource, at: string, context: CheckContext): CheckGroup {
  const field = (name: string, values?: readonly string[], notValues?: readonly string[]): FieldValues => ({
    at,
    name,
    values,
    notValues,
  });
  return {
    connection: [
      ...principalChecks(field('principals', source.principals, source.notPrincipals), context),
      ...namespaceChecks(field('namespaces', source.namespaces, source.notNamespaces)),
      ...serviceAccountChecks(field('serviceAccounts', source.serviceAccounts, source.notServiceAccounts), context),
      ...trustDomainChecks(field('trustDomains', source.trustDomains, source.notTrustDomains), context),
      ...sourceIpChecks(field('ipBlocks', source.ipBlocks, source.notIpBlocks)),
    ],
    request: [
      ...remoteIpChecks(field('remoteIpBlocks', source.remoteIpBlocks, source.notRemoteIpBlocks)),
      ...requestPrincipalChecks(field('requestPrincipals', source.requestPrincipals, source.notRequestPrincipals)),
    ],
  };
}

function compileOperation(operation: AuthorizationOperation, at: string): CheckGroup {
  return {
    connection: portChecks({ at, name: 'ports', values: operation.ports, notValues: operation.notPorts }),
    request: [
      ...methodChecks({ at, name: 'methods', values: operation.methods, notValues: operation.notMethods }),
      ...pathChecks({ at, name: 'paths', values: operation.paths, notValues: operation.notPaths }),
      ...hostChecks({ at, name: 'hosts', values: operation.hosts, notValues: operation.notHosts }),
    ],
  };
}
