import type { AccessLogRecord } from '@rampart/core';
import { type Palette, paletteOf } from './colour.ts';
import { shortIdentity, shortService, trustDomainOf } from './names.ts';
import { padLeft, padRight, printable, textWidth, truncate } from './text.ts';

/** How a line is drawn. */
export interface LineStyle {
  readonly color: boolean;
  /** Columns of the terminal; undefined cuts nothing (a file or a pipe). */
  readonly width?: number | undefined;
}

/** Columns of a line, in characters; the last column takes what is left. */
interface Layout {
  readonly time: number;
  readonly caller: number;
  readonly service: number;
  readonly path: number;
}

const METHOD = 6;
const CODE = 3;
const DECISION = 5;
const WIDE: Layout = { time: 12, caller: 20, service: 24, path: 32 };
const NARROW: Layout = { time: 8, caller: 14, service: 16, path: 12 };
const NARROW_BELOW = 116;
const SHORTEST_PATH = 12;
const SHORTEST_REASON = 20;
const DEFAULT_TRUST_DOMAIN = 'cluster.local';

/**
 * One request as one aligned line without a newline: time (UTC), who → whom, method, path, code, decision, and the
 * policy that decided (or, where none did, why). Callers and services are written in the forms that
 * `rampart authz check --from … --to …` takes. Text of a stranger is made printable first.
 */
export function renderRequestLine(record: AccessLogRecord, style: LineStyle): string {
  const palette = paletteOf(style.color);
  const layout = layoutOf(style.width);
  const line = [
    ...start(
      { timestamp: record.timestamp, who: callerOf(record), whom: shortService(record.destination_service) },
      layout,
      { palette, cut: style.width !== undefined },
    ),
    column(record.request_method, METHOD, style.width !== undefined),
    column(record.request_path, layout.path, style.width !== undefined),
    codeOf(record, palette),
    decisionOf(record, palette),
    rest(whyOf(record), layout, style.width),
  ];
  return line.join(' ').trimEnd();
}

/** The same columns for something that is not a request: what happened stands in place of method and path. */
export function renderEventLine(event: EventLine, style: LineStyle): string {
  const palette = paletteOf(style.color);
  const layout = layoutOf(style.width);
  const line = [
    ...start(event, layout, { palette, cut: style.width !== undefined }),
    column(event.what, METHOD + 1 + layout.path, style.width !== undefined),
    '-'.repeat(CODE),
    palette.bad(padRight('CLOSE', DECISION)),
    rest(printable(event.why), layout, style.width),
  ];
  return line.join(' ').trimEnd();
}

/** A line that shares the columns of requests. */
export interface EventLine {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly who: string;
  readonly whom: string;
  readonly what: string;
  readonly why: string;
}

function layoutOf(width: number | undefined): Layout {
  if (width === undefined) return WIDE;
  const layout = width < NARROW_BELOW ? NARROW : WIDE;
  return {
    ...layout,
    path: Math.min(layout.path, Math.max(SHORTEST_PATH, width - headWidth({ ...layout, path: 0 }) - SHORTEST_REASON)),
  };
}

/** Characters before the last column, the space in front of it included. */
function headWidth({ time, caller, service, path }: Layout): number {
  return [time, caller, 1, service, METHOD, path, CODE, DECISION].reduce((sum, width) => sum + width + 1, 0);
}

interface Drawing {
  readonly palette: Palette;
  readonly cut: boolean;
}

function start(
  parts: Pick<EventLine, 'timestamp' | 'who' | 'whom'>,
  layout: Layout,
  { palette, cut }: Drawing,
): string[] {
  return [
    palette.dim(timeOf(parts.timestamp, layout.time)),
    column(parts.who, layout.caller, cut),
    palette.dim('→'),
    column(parts.whom, layout.service, cut),
  ];
}

function rest(text: string, layout: Layout, width: number | undefined): string {
  return width === undefined ? text : truncate(text, width - headWidth(layout));
}

function column(text: string, width: number, cut: boolean): string {
  const clean = printable(text);
  return padRight(cut && textWidth(clean) > width ? truncate(clean, width) : clean, width);
}

/** "10:00:01.250" of an RFC 3339 time in UTC, or without its fraction. */
function timeOf(timestamp: string, width: number): string {
  return padRight(printable(timestamp.slice(11, 11 + width)), width);
}

function callerOf(record: AccessLogRecord): string {
  if (record.source_principal === '') return record.tls_version === '' ? 'plaintext' : 'no identity';
  const home = trustDomainOf(record.destination_principal) ?? DEFAULT_TRUST_DOMAIN;
  return shortIdentity(record.source_principal, home);
}

function codeOf(record: AccessLogRecord, palette: Palette): string {
  const code = record.response_code;
  const text = padLeft(code === 0 ? '---' : String(code), CODE);
  if (code === 0 || code >= 500) return palette.bad(text);
  return code >= 400 ? palette.warn(text) : palette.good(text);
}

function decisionOf(record: AccessLogRecord, palette: Palette): string {
  const paint = record.authorization_decision === 'ALLOW' ? palette.good : palette.bad;
  return paint(padRight(record.authorization_decision, DECISION));
}

function whyOf(record: AccessLogRecord): string {
  const flags = record.response_flags === '-' || record.response_flags === '' ? '' : ` [${record.response_flags}]`;
  const decided =
    record.authorization_policy === '' || isKeptInside(record) ? record.reason : record.authorization_policy;
  const dryRun = isTriedOut(record) ? ` (dry run: ${record.dry_run_decision})` : '';
  const audit = record.audit_policies === '' ? '' : ` (audit: ${record.audit_policies})`;
  return printable(`${decided}${flags}${dryRun}${audit}`).trim();
}

/** Whether it was not let out of the mesh: what is missing is an entry, and the name of the rule that asks for one says little. */
function isKeptInside(record: AccessLogRecord): boolean {
  const { authorization_decision: decision, response_flags: flags, reporter, reason } = record;
  return decision === 'DENY' && flags === 'UH' && reporter === 'source' && reason !== '';
}

/** Whether the policies tried out would have decided otherwise. */
function isTriedOut({ dry_run_decision: tried, authorization_decision: decided }: AccessLogRecord): boolean {
  return tried !== '' && tried !== decided;
}
