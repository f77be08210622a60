import type { AuthorityStore, CaCertificateRecord, HierarchyChange, HierarchyNotes } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { CaCertificateTable, Tables } from '../tables.ts';
import { readCounter, setCounter } from './counter.ts';

type HierarchyStore = Pick<AuthorityStore, 'changeHierarchy' | 'caCertificates' | 'hierarchyNotes' | 'lastLeafEnd'>;

/** Counter of the changes of the trust bundle. */
export const BUNDLE_SEQUENCE = 'bundle_sequence';

/** The certificates that sign, and what belongs to them. */
export function createHierarchyStore({ reads, writer }: Pick<Database, 'reads' | 'writer'>): HierarchyStore {
  return {
    changeHierarchy: (change) => writer.write((transaction) => changeHierarchy(transaction, change)),
    caCertificates: async () => {
      const rows = await reads.selectFrom('ca_certificates').selectAll().orderBy('position').execute();
      return rows.map(recordOf);
    },
    hierarchyNotes: () => hierarchyNotes(reads),
    lastLeafEnd: async (issuer) => {
      const { end } = await reads
        .selectFrom('certificates')
        .select(({ fn }) => fn.max('not_after').as('end'))
        .where('issuer', '=', issuer)
        .where('kind', 'in', ['server', 'workload', 'agent'])
        .where('revoked_at', 'is', null)
        .executeTakeFirstOrThrow();
      // No rows have no maximum, whatever its type says.
      return end ?? undefined;
    },
  };
}

async function changeHierarchy(
  transaction: Transaction<Tables>,
  { added = [], states = [], bundleSequence, request }: HierarchyChange,
): Promise<void> {
  for (const certificate of added) await add(transaction, certificate);
  for (const { serial, state, since } of states) {
    const { numUpdatedRows } = await transaction
      .updateTable('ca_certificates')
      .set({ state, since })
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new RampartError('STORAGE_FAILED', `no CA certificate ${serial} is stored`);
  }
  if (bundleSequence !== undefined) await setCounter(transaction, BUNDLE_SEQUENCE, bundleSequence);
  if (request !== undefined) await transaction.deleteFrom('ca_requests').execute();
  if (request !== undefined && request !== 'none') {
    await transaction
      .insertInto('ca_requests')
      .values({ key_name: request.keyName, created_at: request.createdAt })
      .execute();
  }
}

async function add(transaction: Transaction<Tables>, certificate: CaCertificateRecord): Promise<void> {
  const { last } = await transaction
    .selectFrom('ca_certificates')
    .select(({ fn }) => fn.max('position').as('last'))
    .executeTakeFirstOrThrow();
  const { keyName, notBefore, notAfter, upstream, ...same } = certificate;
  await transaction
    .insertInto('ca_certificates')
    .values({
      ...same,
      position: (last ?? 0) + 1,
      key_name: keyName,
      not_before: notBefore,
      not_after: notAfter,
      upstream: JSON.stringify(upstream.map((der) => Buffer.from(der).toString('base64'))),
    })
    .execute();
}

async function hierarchyNotes(database: Kysely<Tables>): Promise<HierarchyNotes> {
  const [bundleSequence, request] = await Promise.all([
    readCounter(database, BUNDLE_SEQUENCE),
    database.selectFrom('ca_requests').selectAll().executeTakeFirst(),
  ]);
  return {
    bundleSequence,
    request: request === undefined ? undefined : { keyName: request.key_name, createdAt: request.created_at },
  };
}

function recordOf(row: CaCertificateTable): CaCertificateRecord {
  return {
    kind: row.kind,
    serial: row.serial,
    name: row.name,
    keyName: row.key_name,
    der: row.der,
    upstream: (JSON.parse(row.upstream) as string[]).map((der) => new Uint8Array(Buffer.from(der, 'base64'))),
    notBefore: row.not_before,
    notAfter: row.not_after,
    state: row.state,
    since: row.since,
  };
}
