import { type EntryFields, REVOKING } from '@rampart/journal';
import type { RecordedEntry } from '@rampart/wire';
import { renderTime } from '../render/moment.ts';
import { columnsOf, renderTable } from '../render/table.ts';
import { entryFields, textField } from './entry-fields.ts';

const HEADINGS = ['TIME', '>SEQ', 'EVENT', 'SERIAL', 'REASON', 'REQUESTED BY', 'DETAILS'];

/** Entries of the ledger as rows for people. */
export function entryTable(entries: readonly RecordedEntry[], width: number | undefined): string {
  const rows = entries.map(({ sequence, kind, body }) => {
    const fields = entryFields(body);
    return [
      textField(fields, 'timestamp').replace(/\.\d+Z$/, 'Z'),
      String(sequence),
      kind,
      textField(fields, 'serial'),
      textField(fields, 'reason'),
      textField(fields, 'requested_by').replace(/^spiffe:\/\//, ''),
      detailsOf(kind, fields),
    ];
  });
  return renderTable(columnsOf(...HEADINGS), rows, { width });
}

/** Entries as data: the members of each body, and the hash over it. */
export function entryData(entries: readonly RecordedEntry[]): object[] {
  return entries.map(({ body, leafHash }) => ({ ...entryFields(body), leaf_hash: leafHash }));
}

function detailsOf(kind: string, fields: EntryFields): string {
  if (kind === 'CERTIFICATE_ISSUED') {
    const evidence = textField(isObject(fields['attestation']) ? fields['attestation'] : {}, 'evidence');
    const until = renderTime(Number(fields['not_after'] ?? 0));
    const old = textField(fields, 'old_serial');
    const rotated = old === '' ? [] : [`in place of ${old} (${textField(fields, 'rotation')})`];
    return [
      ...rotated,
      `by ${textField(fields, 'issuer')}`,
      `until ${until}`,
      ...(evidence === '' ? [] : [`on ${evidence}`]),
    ].join(', ');
  }
  return REVOKING.includes(kind) && typeof fields['issued_until'] === 'number' ? ruleOf(fields) : '';
}

/** Whom a rule is about, and until when. */
function ruleOf(fields: EntryFields): string {
  const [namespace, issuer, note] = ['namespace', 'issuer', 'note'].map((name) => textField(fields, name));
  return [
    `everything issued until ${renderTime(Number(fields['issued_until']))}`,
    ...(namespace === '' ? [] : [`in namespace ${namespace}`]),
    ...(issuer === '' ? [] : [`by ${issuer}`]),
    ...(note === '' ? [] : [note]),
  ].join(', ');
}

function isObject(value: unknown): value is EntryFields {
  return typeof value === 'object' && value !== null;
}
