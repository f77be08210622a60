import type { RevokeResponse } from '@rampart/wire';
import { renderTime } from '../render/moment.ts';
import { columnsOf, renderTable } from '../render/table.ts';

/** What was asked for. */
export interface RevocationAsked {
  readonly spiffeId: string;
  readonly serials: readonly string[];
  readonly bar: boolean;
  readonly dryRun: boolean;
}

export function revocationData(
  { id, certificates, newest, dataPlanes, at }: RevokeResponse,
  asked: RevocationAsked,
): object {
  return {
    id,
    dryRun: asked.dryRun,
    at: renderTime(Number(at)),
    barred: asked.bar && !asked.dryRun,
    certificates,
    newest: newest.map(({ serial, spiffeId, kind, notAfter }) => ({
      serial,
      spiffeId,
      kind,
      notAfter: renderTime(Number(notAfter)),
    })),
    dataPlanes: dataPlanes.map(({ dataPlaneId, spiffeId, kind, serial, services }) => ({
      dataPlaneId,
      spiffeId,
      kind,
      serial,
      services,
    })),
  };
}

export function revocationText({ certificates, newest, dataPlanes }: RevokeResponse, asked: RevocationAsked): string {
  const verb = asked.dryRun ? 'would be revoked' : 'revoked';
  const count = `${certificates} certificate${certificates === 1 ? '' : 's'} ${verb}`;
  const more = asked.spiffeId === '' ? '' : ', and every JWT-SVID issued until now';
  const barred = asked.bar ? `; ${asked.spiffeId} ${asked.dryRun ? 'would be' : 'is'} barred` : '';
  const lines = [`${count}${more}${barred}\n`];
  if (newest.length > 0) {
    lines.push(
      '\n',
      renderTable(
        columnsOf('SERIAL', 'IDENTITY', 'KIND', 'EXPIRES'),
        newest.map((each) => [each.serial, each.spiffeId, each.kind, renderTime(Number(each.notAfter))]),
      ),
    );
    if (certificates > newest.length) lines.push(`and ${certificates - newest.length} more\n`);
  }
  const cut = asked.dryRun ? 'would be cut off' : 'cut off';
  lines.push(`\n${dataPlanes.length} connected data plane${dataPlanes.length === 1 ? '' : 's'} ${cut}\n`);
  if (dataPlanes.length > 0) {
    lines.push(
      renderTable(
        columnsOf('DATA PLANE', 'IDENTITY', 'KIND', 'SERVES'),
        dataPlanes.map((each) => [each.dataPlaneId, each.spiffeId, each.kind, each.services.join(', ')]),
      ),
    );
  }
  return lines.join('');
}
