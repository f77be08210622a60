import type { AuthorizationOperation } from '../../resource/authorization/operation.ts';
import type { AuthorizationRule } from '../../resource/authorization/rule.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';
import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { ConnectionCheck, RequestCheck } from './check.ts';
import { CheckFactory, type CheckContext } from './check-factory.ts';

/** Checks that must all hold. */
export interface CheckGroup {
  readonly connection: readonly ConnectionCheck[];
  readonly request: readonly RequestCheck[];
}

/** A rule ready to be tested: any source, and any operation, and all conditions; an empty list asks nothing. */
export interface CompiledRule {
  readonly index: number;
  readonly sources: readonly CheckGroup[];
  readonly operations: readonly CheckGroup[];
  readonly conditions: CheckGroup;
  /** Whether anything in it needs an HTTP request. */
  readonly asksHttp: boolean;
}

export function compileRule(rule: AuthorizationRule, index: number, context: CheckContext): CompiledRule {
  const at = `rules[${index}]`;
  const checks = new CheckFactory(context);
  const sources = (rule.from ?? []).map(({ source }, position) =>
    compileSource(source, `${at}.from[${position}].source`, checks),
  );
  const operations = (rule.to ?? []).map(({ operation }, position) =>
    compileOperation(operation, `${at}.to[${position}].operation`, checks),
  );
  const conditions = compileConditions(rule.when ?? [], at, checks);
  const asksHttp = [...operations, conditions].some((group) => group.request.length > 0);
  return { index, sources, operations, conditions, asksHttp };
}

function compileSource(source: AuthorizationSource, at: string, checks: CheckFactory): CheckGroup {
  const connection = [
    ...checks.principals({ at, name: 'principals', values: source.principals, notValues: source.notPrincipals }),
    ...checks.namespaces({ at, name: 'namespaces', values: source.namespaces, notValues: source.notNamespaces }),
    ...checks.serviceAccounts({
      at,
      name: 'serviceAccounts',
      values: source.serviceAccounts,
      notValues: source.notServiceAccounts,
    }),
    ...checks.trustDomains({
      at,
      name: 'trustDomains',
      values: source.trustDomains,
      notValues: source.notTrustDomains,
    }),
    ...checks.sourceIps({ at, name: 'ipBlocks', values: source.ipBlocks, notValues: source.notIpBlocks }),
  ];
  return { connection, request: [] };
}

function compileOperation(operation: AuthorizationOperation, at: string, checks: CheckFactory): CheckGroup {
  return {
    connection: checks.ports({ at, name: 'ports', values: operation.ports, notValues: operation.notPorts }),
    request: [
      ...checks.methods({ at, name: 'methods', values: operation.methods, notValues: operation.notMethods }),
      ...checks.paths({ at, name: 'paths', values: operation.paths, notValues: operation.notPaths }),
      ...checks.hosts({ at, name: 'hosts', values: operation.hosts, notValues: operation.notHosts }),
    ],
  };
}

function compileConditions(
  conditions: readonly AuthorizationCondition[],
  at: string,
  checks: CheckFactory,
): CheckGroup {
  const groups = conditions.map((condition, index) => checks.condition(condition, `${at}.when[${index}]`));
  return { connection: groups.flatMap((group) => group.connection), request: groups.flatMap((group) => group.request) };
}
