import type { StoredResource } from '@rampart/wire';
import { renderSpan } from '../render/moment.ts';
import type { OutputFormat } from '../render/output.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';

interface Described {
  readonly stored: StoredResource;
  readonly spec: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

// What a table tells of each kind, beside its name and age.
const KIND_COLUMNS: Readonly<
  Record<string, { readonly headings: readonly string[]; readonly cells: (spec: Fields) => readonly Cell[] }>
> = {
  PeerAuthentication: {
    headings: ['MODE', 'PORTS'],
    cells: (spec) => [textAt(fieldsAt(spec, 'mtls'), 'mode') || 'UNSET', portsOf(spec)],
  },
  AuthorizationPolicy: {
    headings: ['ACTION', '>RULES'],
    cells: (spec) => [textAt(spec, 'action') || 'ALLOW', String(lengthAt(spec, 'rules'))],
  },
};

/** Resources of one kind as a table; `now` is Unix milliseconds. */
export function renderStoredResources(kind: string, resources: readonly StoredResource[], now: number): string {
  const extra = KIND_COLUMNS[kind] ?? { headings: [], cells: () => [] };
  const described = resources.map((stored): Described => ({ stored, spec: fieldsAt(parse(stored), 'spec') }));
  return renderTable(
    columnsOf('NAMESPACE', 'NAME', ...extra.headings, 'SELECTOR', '>AGE'),
    described.map(({ stored, spec }) => [
      stored.namespace,
      stored.name,
      ...extra.cells(spec),
      selectorOf(spec),
      stored.createdAt === 0n ? '' : renderSpan(now - Number(stored.createdAt)),
    ]),
  );
}

/** Resources as data that `rampart apply -f -` takes back: one document, or a List of them. */
export function resourceDocuments(
  resources: readonly StoredResource[],
  shape: { readonly single: boolean; readonly format: OutputFormat },
): unknown {
  const items = resources.map(parse);
  return shape.single && items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items };
}

function parse(stored: StoredResource): Fields {
  return asFields(JSON.parse(stored.json));
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function fieldsAt(fields: Fields, name: string): Fields {
  return asFields(fields[name]);
}

function textAt(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

function lengthAt(fields: Fields, name: string): number {
  const value = fields[name];
  return Array.isArray(value) ? value.length : 0;
}

function selectorOf(spec: Fields): string {
  const pairs = Object.entries(fieldsAt(fieldsAt(spec, 'selector'), 'matchLabels')).map(
    ([key, value]) => `${key}=${String(value)}`,
  );
  return pairs.length === 0 ? '(all)' : pairs.join(',');
}

function portsOf(spec: Fields): string {
  const ports = fieldsAt(spec, 'portLevelMtls');
  return Object.keys(ports)
    .map((port) => `${port}:${textAt(fieldsAt(ports, port), 'mode')}`)
    .join(',');
}
