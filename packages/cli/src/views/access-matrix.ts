import {
  describeCondition,
  describeOperation,
  describeSource,
  type AccessMatrix,
  type CallerAccess,
  type Grant,
  type RequiredToken,
} from '@rampart/core/analysis';
import type { Palette } from '../render/colour.ts';
import { shortIdentity } from '../render/names.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';
import { wrappedRows } from '../render/wrapped-rows.ts';
import { printable } from '../render/text.ts';

/** What an access matrix is drawn with. */
export interface AccessView {
  readonly palette: Palette;
  readonly trustDomain: string;
  /** Columns of the terminal; undefined where nobody looks at one. */
  readonly width: number | undefined;
}

const COLUMNS = columnsOf('CALLER', 'MAY CALL', 'IF', 'BECAUSE OF');

/** Who may call a workload: its ground rules as a few lines, then a table of callers. Ends with a newline. */
export function renderAccessMatrix(matrix: AccessMatrix, view: AccessView): string {
  const rows = matrix.callers.flatMap((row) => callerRows(row, view));
  return `${headOf(matrix, view)}\n${renderTable(COLUMNS, wrappedRows(COLUMNS, rows, view.width))}`;
}

function headOf(matrix: AccessMatrix, { palette }: AccessView): string {
  const { callee, tls, byDefault, policies, issuers, problems } = matrix;
  const { service, serviceAccount, labels, port } = callee;
  const labelled = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const place = [
    ...(port === 0 ? [] : [`port ${port}`]),
    `service account ${serviceAccount}`,
    ...(labelled.length === 0 ? [] : [`labels ${labelled.join(',')}`]),
  ];
  const defaults =
    byDefault === 'ALLOW'
      ? 'ALLOW: no ALLOW policy is about this workload, so what no DENY policy stops is let in'
      : `DENY: only what ${policies.allow.join(' or ')} allows is let in`;
  const lines: readonly (readonly [string, string])[] = [
    ['mtls', tls.describe],
    ['default', defaults],
    ['token', issuers.length === 0 ? 'none is verified' : `verified when sent, of ${issuers.join(', ')}`],
    ...matrix.serviceTokens.map(neededToken),
    ...namedLine('network', matrix.network),
    ...namedLine('custom', policies.custom),
    ...namedLine('audit', policies.audit),
    ...namedLine('dry run', policies.dryRun),
    ...problems.map((problem) => ['problem', problem] as const),
  ];
  const title = `${palette.bold(`${service.name}.${service.namespace}`)}  ${printable(place.join(', '))}\n`;
  return `${title}${lines.map(([name, text]) => `  ${name.padEnd(9)}${printable(text)}\n`).join('')}`;
}

function neededToken({ policy, issuer, audience }: RequiredToken): readonly [string, string] {
  return ['token', `needed of ${issuer} for ${audience}, with the scopes of ${policy}`];
}

function namedLine(name: string, policies: readonly string[]): readonly (readonly [string, string])[] {
  return policies.length === 0 ? [] : [[name, policies.join(', ')]];
}

type Row = readonly Cell[];

function callerRows(row: CallerAccess, view: AccessView): Row[] {
  const { palette } = view;
  const caller = callerName(row, view);
  if (row.access === 'NONE') return [[caller, { text: 'nothing', paint: palette.bad }, '', row.reason]];
  const paint = row.caller.kind === 'plaintext' ? palette.warn : palette.good;
  const network = row.network.join(' or ');
  const allowed: Row[] =
    row.allowed === 'everything'
      ? [[{ text: 'anything', paint }, network, 'no ALLOW policy']]
      : row.allowed.flatMap((grant) => grantRows(grant, (text) => ({ text, paint }), network));
  const denied = row.denied.flatMap((grant) =>
    grantRows(grant, (text) => ({ text: `never ${text}`, paint: palette.bad })),
  );
  const asked = row.asked.flatMap((grant) =>
    grantRows(grant, (text) => ({ text: `${text}: asks an authorizer first`, paint: palette.warn })),
  );
  return [...allowed, ...denied, ...asked].map((cells, index) => [index === 0 ? caller : '│', ...cells]);
}

function callerName({ caller }: CallerAccess, { palette, trustDomain }: AccessView): Cell {
  switch (caller.kind) {
    case 'identity':
      return shortIdentity(caller.name, trustDomain);
    case 'namespace':
      return `others of namespace ${caller.name}`;
    case 'any-identity':
      return { text: 'any other identity', paint: palette.dim };
    case 'plaintext':
      return { text: 'without identity', paint: palette.dim };
  }
}

function grantRows(grant: Grant, cellOf: (text: string) => Cell, network = ''): Row[] {
  const operations = grant.operations.length === 0 ? [undefined] : grant.operations;
  const sources = grant.sources.map(describeSource).join(' or ');
  const asked = [network, sources, ...grant.conditions.map(describeCondition)].filter((part) => part !== '').join('; ');
  return operations.map((operation) => [
    cellOf(describeOperation(operation)),
    asked,
    `${grant.policy} rules[${grant.rule}]`,
  ]);
}

/** An access matrix as plain data; callers by kind and name, rules with what is left of them for that caller. */
export function accessMatrixData(matrix: AccessMatrix): object {
  const { callee, tls, byDefault, policies, issuers, serviceTokens, network, problems, callers } = matrix;
  return {
    service: callee.service.name,
    namespace: callee.namespace,
    serviceAccount: callee.serviceAccount,
    labels: callee.labels,
    port: callee.port,
    mtls: { mode: tls.mode, policy: tls.policy, scope: tls.scope },
    default: byDefault,
    policies,
    tokenIssuers: issuers,
    serviceTokens,
    networkPolicies: network,
    problems,
    callers: callers.map(({ caller, ...access }) => ({ kind: caller.kind, name: caller.name, ...access })),
  };
}
