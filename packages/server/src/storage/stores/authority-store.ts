import type {
  AttestationFacts,
  AuthorityStore,
  CertificateQuery,
  CertificateRecord,
  WorkloadIdentity,
} from '@rampart/authority';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { isOf } from './revocations/certificate-scope.ts';
import { revocationMethods } from './revocations/revoked-certificates.ts';
import { readCounter, setCounter } from './counter.ts';
import { insertion, selection } from '../precompiled.ts';
import { statementsWithin } from '../statement.ts';
import type { CertificateTable, Tables } from '../tables.ts';
import { createHierarchyStore } from './hierarchy-store.ts';
import { joinTokenMethods } from './join-token-store.ts';

const CLOCK_PAST = 'clock_past';
const CLOCK_LATEST = 'clock_latest';

/** What the authority must remember, in the database. */
export function createAuthorityStore({ reads, reader, writer }: Database): AuthorityStore {
  const insertCertificates = insertion(reads, 'certificates');
  const storeIssued = async (rows: readonly unknown[], within: unknown): Promise<void> => {
    // What `issued` made, in the write of the journal's store.
    statementsWithin(within).push(...insertCertificates(rows as readonly CertificateTable[]));
  };
  const selectCertificate = selection(reader, reads.selectFrom('certificates').selectAll().where('serial', '=', ''));
  return {
    ...createHierarchyStore({ reads, writer }),
    ...joinTokenMethods({ reads, reader, writer }),
    useEvidence: (hash, until) => writer.write((transaction) => useEvidence(transaction, { hash, until })),
    addCertificate: (certificate) => writer.store(() => insertCertificates([certificateRow(certificate)])),
    issued: (certificate) => ({ row: certificateRow(certificate), store: storeIssued }),
    certificate: async (serial) => {
      const [row] = await selectCertificate(serial);
      return row === undefined ? undefined : certificateOf(row);
    },
    certificates: (query) => certificates(reads, query),
    ...revocationMethods({ reads, writer }, certificateOf),
    longLivedCertificates: (query) => longLivedCertificates(reads, query),
    workloadCertificates: async (at) => {
      const rows = await reads
        .selectFrom('certificates')
        .selectAll()
        .where('kind', '=', 'workload')
        .where('revoked_at', 'is', null)
        .where('not_after', '>', at)
        .execute();
      return rows.map(certificateOf);
    },
    ...forgettingMethods({ reads, writer }),
  };
}

/** Of those who come at the same time the first one inserts. */
async function useEvidence(
  transaction: Transaction<Tables>,
  evidence: { readonly hash: string; readonly until: number },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('used_evidence')
    .values(evidence)
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

async function certificates(
  database: Kysely<Tables>,
  { spiffeId, before, limit }: CertificateQuery,
): Promise<CertificateRecord[]> {
  let select = database.selectFrom('certificates').selectAll().orderBy('sequence', 'desc').limit(limit);
  if (spiffeId !== undefined) select = select.where((builder) => isOf(builder, spiffeId));
  if (before !== undefined) select = select.where('sequence', '<', before);
  return (await select.execute()).map(certificateOf);
}

async function longLivedCertificates(
  database: Kysely<Tables>,
  { after, before, lifeMs }: { readonly after: number; readonly before: number; readonly lifeMs: number },
): Promise<CertificateRecord[]> {
  const rows = await database
    .selectFrom('certificates')
    .selectAll()
    .where('revoked_at', 'is', null)
    .where('not_after', '>', after)
    .where('not_after', '<=', before)
    .where(({ eb }) => eb(eb('not_after', '-', eb.ref('not_before')), '>', lifeMs))
    .execute();
  return rows.map(certificateOf);
}

function forgettingMethods({
  reads,
  writer,
}: Pick<Database, 'reads' | 'writer'>): Pick<AuthorityStore, 'clockMarks' | 'keepClockMarks' | 'prune'> {
  return {
    clockMarks: async () => {
      const [past, latest] = await Promise.all([readCounter(reads, CLOCK_PAST), readCounter(reads, CLOCK_LATEST)]);
      return latest === 0 ? undefined : { past, latest };
    },
    keepClockMarks: ({ past, latest }) =>
      writer.write(async (transaction) => {
        await setCounter(transaction, CLOCK_PAST, past);
        await setCounter(transaction, CLOCK_LATEST, latest);
      }),
    prune: (endedBefore) => writer.write((transaction) => prune(transaction, endedBefore)),
  };
}

async function prune(transaction: Transaction<Tables>, endedBefore: number): Promise<void> {
  await transaction.deleteFrom('used_evidence').where('until', '<', endedBefore).execute();
  await transaction.deleteFrom('join_tokens').where('expires_at', '<', endedBefore).execute();
  await transaction
    .deleteFrom('certificates')
    .where('not_after', '<', endedBefore)
    .where('kind', 'in', ['server', 'workload', 'agent'])
    .execute();
}

function certificateRow(certificate: CertificateRecord): CertificateTable {
  return {
    serial: certificate.serial,
    kind: certificate.kind,
    spiffe_id: certificate.spiffeId,
    requested_by: certificate.requestedBy,
    issuer: certificate.issuer,
    reason: certificate.reason,
    issued_at: certificate.issuedAt,
    not_before: certificate.notBefore,
    not_after: certificate.notAfter,
    sequence: certificate.sequence,
    workload: certificate.workload === undefined ? null : JSON.stringify(certificate.workload),
    entry_id: certificate.entryId ?? null,
    attestation: certificate.attestation === undefined ? null : JSON.stringify(certificate.attestation),
    revoked_at: certificate.revocation?.at ?? null,
    revocation_reason: certificate.revocation?.reason ?? null,
    revoked_by: certificate.revocation?.by ?? null,
    revocation_rule: certificate.revocation?.rule ?? null,
  };
}

function certificateOf(row: CertificateTable): CertificateRecord {
  const revocation = {
    at: row.revoked_at ?? 0,
    reason: row.revocation_reason ?? '',
    by: row.revoked_by ?? '',
    ...(row.revocation_rule === null ? {} : { rule: row.revocation_rule }),
  };
  return {
    serial: row.serial,
    kind: row.kind,
    spiffeId: row.spiffe_id,
    requestedBy: row.requested_by,
    issuer: row.issuer,
    reason: row.reason,
    issuedAt: row.issued_at,
    notBefore: row.not_before,
    notAfter: row.not_after,
    sequence: row.sequence,
    ...(row.workload === null ? {} : { workload: JSON.parse(row.workload) as WorkloadIdentity }),
    ...(row.entry_id === null ? {} : { entryId: row.entry_id }),
    ...(row.attestation === null ? {} : { attestation: JSON.parse(row.attestation) as AttestationFacts }),
    ...(row.revoked_at === null ? {} : { revocation }),
  };
}
