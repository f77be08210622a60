import type { RevocationAct, RevocationStore } from '@rampart/authority';
import type { Transaction } from 'kysely';
import type { Database } from '../../database.ts';
import type { Tables } from '../../tables.ts';
import { increment, readCounter } from '../counter.ts';

const CRL_NUMBER = 'crl_number';
/** Ids in one statement. */
const AT_ONCE = 500;

/** Acts of revocation, in the database. */
export function createRevocationStore({ reads, writer }: Database): RevocationStore {
  return {
    addAct: (act) => writer.write((transaction) => addAct(transaction, act)),
    acts: async () => {
      const rows = await reads.selectFrom('revocations').select('act').orderBy('position').execute();
      return rows.map(({ act }) => JSON.parse(act) as RevocationAct);
    },
    forget: (ids) =>
      writer.write(async (transaction) => {
        for (let start = 0; start < ids.length; start += AT_ONCE) {
          const some = ids.slice(start, start + AT_ONCE);
          await transaction.deleteFrom('revocations').where('id', 'in', some).execute();
        }
      }),
    nextCrlNumber: (least) =>
      writer.write(async (transaction) => {
        const last = await readCounter(transaction, CRL_NUMBER);
        return increment(transaction, CRL_NUMBER, Math.max(1, least - last));
      }),
  };
}

async function addAct(transaction: Transaction<Tables>, act: RevocationAct): Promise<void> {
  const { last } = await transaction
    .selectFrom('revocations')
    .select(({ fn }) => fn.max('position').as('last'))
    .executeTakeFirstOrThrow();
  await transaction
    .insertInto('revocations')
    .values({ id: act.id, position: (last ?? 0) + 1, act: JSON.stringify(act) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}
