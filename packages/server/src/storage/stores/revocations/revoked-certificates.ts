import { setImmediate as turn } from 'node:timers/promises';
import type { AuthorityStore, CertificateRecord, Revocation, RevokedPage, RevokedRecord } from '@rampart/authority';
import type { Database } from '../../database.ts';
import { revokeInSpan, type ScopeRows, selectScope } from './certificate-scope.ts';
import { sequenceSpans } from './sequence-spans.ts';
import type { CertificateTable } from '../../tables.ts';

type Methods =
  | 'certificatesOf'
  | 'revokeCertificate'
  | 'revokeCertificates'
  | 'revokedCertificates'
  | 'revokedBySerial'
  | 'scopeContent'
  | 'revokeScope';

/** How many of what a scope means are shown. */
const SHOWN = 20;
/** Serial numbers in one statement. */
const AT_ONCE = 500;

/** What the authority does about certificates that are no longer trusted. However many they are, others have their turn in between. */
export function revocationMethods(
  database: Pick<Database, 'reads' | 'writer'>,
  recordOf: (row: CertificateTable) => CertificateRecord,
): Pick<AuthorityStore, Methods> {
  const { reads, writer } = database;
  return {
    certificatesOf: async (serials) => {
      const found: CertificateRecord[] = [];
      for (const some of inParts(serials)) {
        const rows = await reads.selectFrom('certificates').selectAll().where('serial', 'in', some).execute();
        found.push(...rows.map(recordOf));
        await turn();
      }
      return found;
    },
    revokeCertificate: async (serial, revocation) => (await revoke(database, [serial], revocation)) > 0,
    revokeCertificates: async (serials, revocation) => {
      let count = 0;
      for (const some of inParts(serials)) {
        count += await revoke(database, some, revocation);
        await turn();
      }
      return count;
    },
    revokedCertificates: (page) => revokedPage(reads, page),
    revokedBySerial: async (at) => {
      const rows = await reads
        .selectFrom('certificates')
        .selectAll()
        .where('revoked_at', 'is not', null)
        .where('revocation_rule', 'is', null)
        .where('not_after', '>', at)
        .execute();
      return rows.map(recordOf);
    },
    scopeContent: async (scope, at) => {
      let found: ScopeRows = { count: 0, newest: [], stragglers: [] };
      for await (const span of sequenceSpans(reads, scope)) {
        found = joined(found, await selectScope(reads, scope, { at, shown: SHOWN, span }));
      }
      const { count, newest, stragglers } = found;
      return { count, newest: newest.map(recordOf), stragglers: stragglers.map(recordOf) };
    },
    revokeScope: async (scope, revocation) => {
      let count = 0;
      for await (const span of sequenceSpans(reads, scope)) {
        count += await writer.write((transaction) => revokeInSpan(transaction, { scope, span }, revocation));
      }
      return count;
    },
  };
}

async function revokedPage(
  reads: Database['reads'],
  { endAfter, after, limit }: RevokedPage,
): Promise<readonly RevokedRecord[]> {
  const rows = await reads
    .selectFrom('certificates')
    .select(['serial', 'issuer', 'sequence', 'revoked_at', 'revocation_reason'])
    .where('revoked_at', 'is not', null)
    .where('not_after', '>', endAfter)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(({ serial, issuer, sequence, revoked_at: at, revocation_reason: reason }) => ({
    serial,
    issuer,
    sequence,
    at: at ?? 0,
    reason: reason ?? '',
  }));
}

function revoke(
  { writer }: Pick<Database, 'writer'>,
  serials: readonly string[],
  { at, reason, by, rule }: Revocation,
): Promise<number> {
  return writer.write(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('certificates')
      .set({ revoked_at: at, revocation_reason: reason, revoked_by: by, revocation_rule: rule ?? null })
      .where('serial', 'in', serials)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  });
}

/** The second part is newer. */
function joined(first: ScopeRows, second: ScopeRows): ScopeRows {
  return {
    count: first.count + second.count,
    newest: [...second.newest, ...first.newest].slice(0, SHOWN),
    stragglers: [...first.stragglers, ...second.stragglers],
  };
}

function inParts(serials: readonly string[]): readonly string[][] {
  return Array.from({ length: Math.ceil(serials.length / AT_ONCE) }, (_, index) =>
    serials.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
}
