import type { ChangedGroup, ReplayReport, UnknownGroup } from '@rampart/core/analysis';
import type { Palette } from '../render/colour.ts';
import { shortService } from '../render/names.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';
import { printable } from '../render/text.ts';

/** The report as the control plane sends it. */
export interface SimulationReport extends ReplayReport {
  /** RFC 3339. */
  readonly since: string;
}

interface ReplayView {
  readonly palette: Palette;
  readonly width: number | undefined;
}

/** What a candidate would change: what is denied first, then what cannot be told, then the sums. */
export function renderReplay(report: SimulationReport, view: ReplayView): string {
  const parts = [
    ...(report.changes.length > 0 ? [renderChanges(report.changes, view)] : []),
    ...(report.unknown.length > 0 ? [renderUnknown(report.unknown, view)] : []),
    `${summaryOf(report, view.palette)}\n`,
  ];
  return parts.join('\n');
}

const COLUMNS = ['DECISION', '>COUNT', 'FROM', 'TO', 'METHOD', 'PATH'] as const;
/** A terminal below this has no room for reasons beside the rest. */
const WIDE = 160;

function renderChanges(changes: readonly ChangedGroup[], view: ReplayView): string {
  const rows = changes.map((change): Cell[] => [
    { text: `${change.from} → ${change.to}`, paint: change.to === 'DENY' ? view.palette.bad : view.palette.good },
    String(change.count),
    nameOf(change.source),
    shortService(change.destination),
    change.method,
    change.path,
  ]);
  const reasons = changes.map((change) => [policyOf(change), change.reason]);
  return renderWithReasons({ headings: COLUMNS, rows }, { headings: ['POLICY', 'REASON'], rows: reasons }, view);
}

function renderUnknown(unknown: readonly UnknownGroup[], view: ReplayView): string {
  const rows = unknown.map(({ destination, count, example }): Cell[] => [
    { text: shortService(destination), paint: view.palette.warn },
    String(count),
    example,
  ]);
  const reasons = unknown.map(({ reason }) => [reason]);
  const headings = ['CANNOT TELL', '>COUNT', 'FOR EXAMPLE'];
  return renderWithReasons({ headings, rows }, { headings: ['WHY'], rows: reasons }, view);
}

interface Part<Row> {
  readonly headings: readonly string[];
  readonly rows: readonly Row[];
}

/** Reasons stand in columns of their own, or below each row where a terminal is narrow. */
function renderWithReasons(
  { headings, rows }: Part<readonly Cell[]>,
  reasons: Part<readonly string[]>,
  { palette, width }: ReplayView,
): string {
  if (width === undefined || width >= WIDE) {
    const whole = rows.map((row, index) => [...row, ...(reasons.rows[index] ?? [])]);
    return renderTable(columnsOf(...headings, ...reasons.headings), whole, { width });
  }
  const [heading = '', ...lines] = renderTable(columnsOf(...headings), rows)
    .trimEnd()
    .split('\n');
  const explained = lines.map((line, index) => {
    const reason = (reasons.rows[index] ?? []).filter((part) => part !== '').join(': ');
    return `${line}\n    ${palette.dim(printable(reason))}\n`;
  });
  return `${heading}\n${explained.join('')}`;
}

function policyOf({ policy, rule, action, to }: ChangedGroup): string {
  // Where no rule of an ALLOW policy matched, the rule is only the one that came closest.
  const isMatch = rule >= 0 && action === (to === 'DENY' ? 'DENY' : 'ALLOW');
  return policy !== '' && isMatch ? `${policy} rules[${rule}]` : policy;
}

function nameOf(principal: string): string {
  if (principal === '') return '(no identity)';
  const [, namespace, account] = /^[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
  return namespace === undefined || account === undefined ? principal : `${namespace}/${account}`;
}

function summaryOf(report: SimulationReport, palette: Palette): string {
  const { requests, distinct, since, unchanged, nowDenied, nowAllowed, cannotTell, notListed } = report;
  if (requests === 0) return `no request on record since ${since}`;
  const numbers = [
    `${number(unchanged)} unchanged`,
    paintIf(nowDenied > 0, palette.bad)(`${number(nowDenied)} would be denied`),
    `${number(nowAllowed)} would be allowed`,
    paintIf(cannotTell > 0, palette.warn)(`${number(cannotTell)} cannot be told`),
  ];
  const more = notListed > 0 ? `; ${number(notListed)} of them are not listed` : '';
  return `${number(requests)} requests since ${since} (${number(distinct)} distinct): ${numbers.join(', ')}${more}`;
}

function paintIf(condition: boolean, paint: (text: string) => string): (text: string) => string {
  return condition ? paint : (text) => text;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
