import { RampartError } from '@rampart/core';
import type { EntryFields } from '@rampart/journal';
import { type Certificate, LedgerService, type RecordedEntry } from '@rampart/wire';
import type { Command } from 'commander';
import { parseSerial } from '../../arguments/serial.ts';
import { EXIT } from '../../exit-code.ts';
import { entryFields, textField } from '../../ledger/entry-fields.ts';
import { entryData, entryTable } from '../../ledger/entry-rows.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { certificateData, leftOf } from '../certs-list.ts';

export function defineCertsShow(parent: Command, shell: Shell): void {
  parent
    .command('show')
    .description('everything on record about one certificate')
    .argument('<serial>', 'serial number in hexadecimal, as "rampart certs list" shows it')
    .addHelpText(
      'after',
      examples(['rampart certs show 5fd1c3', 'who asked for it, on which evidence, what came after']),
    )
    .action((serial: string, _: object, command: Command) =>
      shell.run(command, (invocation) => show(parseSerial(serial), invocation)),
    );
}

async function show(serial: string, invocation: Invocation): Promise<number> {
  const { certificate, entries } = await invocation.withService(LedgerService, (client) =>
    client.getCertificateRecord({ serial }),
  );
  if (certificate === undefined && entries.length === 0) {
    throw new RampartError(
      'NOT_FOUND',
      `no certificate with the serial ${serial} is on record; "rampart certs list" lists them`,
    );
  }
  invocation.show({
    data: () => ({
      serial,
      certificate: certificate === undefined ? null : certificateData(certificate),
      entries: entryData(entries),
    }),
    table: () =>
      `${facts(serial, certificate, { entries, invocation })}\n${entryTable(entries, invocation.io.stdout.columns)}`,
  });
  return EXIT.ok;
}

function facts(
  serial: string,
  certificate: Certificate | undefined,
  { entries, invocation }: { readonly entries: readonly RecordedEntry[]; readonly invocation: Invocation },
): string {
  const issued = entries.map(({ body }) => entryFields(body)).find((fields) => isIssuance(fields, serial)) ?? {};
  const status =
    certificate === undefined
      ? 'over; only the ledger knows it still'
      : leftOf(certificate, { now: invocation.io.clock.now(), palette: invocation.palette }).text;
  const labels = Object.entries(certificate?.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const lines: readonly (readonly [name: string, value: string])[] = [
    ['serial', serial],
    ['identity', certificate?.spiffeId ?? textField(issued, 'spiffe_id')],
    ['kind', certificate?.kind ?? textField(issued, 'kind')],
    ['labels', labels.join(',')],
    ['status', status],
    ['valid from', renderTime(Number(issued['not_before'] ?? certificate?.notBefore ?? 0))],
    ['valid until', renderTime(Number(issued['not_after'] ?? certificate?.notAfter ?? 0))],
    ['issued by', `${textField(issued, 'issuer')} (key ${textField(issued, 'issuer_key_id')})`],
    ['requested by', textField(issued, 'requested_by')],
    ['evidence', evidenceOf(issued)],
    ['entry', textField(issued, 'entry')],
    ['sha256', textField(issued, 'certificate_sha256')],
    ['public key', textField(issued, 'public_key_sha256')],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name.padEnd(14)}${value}\n`)
    .join('');
}

function isIssuance(fields: EntryFields, serial: string): boolean {
  return fields['event_type'] === 'CERTIFICATE_ISSUED' && fields['serial'] === serial;
}

function evidenceOf({ attestation }: EntryFields): string {
  if (typeof attestation !== 'object' || attestation === null) return '';
  const facts: EntryFields = { ...attestation };
  const selectors: unknown = facts['selectors'];
  const told = Array.isArray(selectors) && selectors.length > 0 ? `: ${selectors.join(', ')}` : '';
  const by = textField(facts, 'attestor') === '' ? '' : ` (Attestor ${textField(facts, 'attestor')})`;
  return `${textField(facts, 'evidence')}${by}${told}`;
}
