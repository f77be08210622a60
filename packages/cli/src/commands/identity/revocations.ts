import { RevocationService, type RevocationRecord } from '@rampart/wire';
import { EXIT } from '../../exit-code.ts';
import { renderTime } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import type { Invocation } from '../../shell.ts';

/** What was revoked, newest first, and who is barred. */
export async function listRevocations({ withService, show, note, io }: Invocation): Promise<number> {
  const { revocations, barred } = await withService(RevocationService, (client) => client.listRevocations({}));
  show({
    data: () => ({ revocations: revocations.map(dataOf), barred }),
    table: () =>
      renderTable(
        columnsOf('TIME', 'WHAT', 'REASON', 'BY', 'NOTE'),
        revocations.map((record) => [
          renderTime(Number(record.at)),
          whatOf(record),
          record.reason,
          record.by,
          record.note,
        ]),
        { width: io.stdout.columns },
      ),
  });
  if (revocations.length === 0) note('nothing was revoked yet');
  if (barred.length > 0) note(`barred now: ${barred.join(', ')}`);
  return EXIT.ok;
}

function whatOf({ kind, serials, spiffeId, issuedBefore, issuer, namespace, bar, keyId }: RevocationRecord): string {
  switch (kind) {
    case 'certificates':
      return serials.length === 1 ? `certificate ${serials[0] ?? ''}` : `${serials.length} certificates`;
    case 'identity':
      return bar ? `${spiffeId}, barred` : spiffeId;
    case 'jwt-key':
      return `JWT key ${keyId}`;
    case 'lift':
      return `${spiffeId}, bar lifted`;
    default: {
      const narrowed = [namespace === '' ? '' : ` in ${namespace}`, issuer === '' ? '' : ` by ${issuer}`].join('');
      return `issued until ${renderTime(Number(issuedBefore))}${narrowed}`;
    }
  }
}

function dataOf({ $typeName: _, $unknown: __, ...record }: RevocationRecord): object {
  const issuedBefore = record.issuedBefore === 0n ? '' : renderTime(Number(record.issuedBefore));
  return { ...record, at: renderTime(Number(record.at)), issuedBefore };
}
