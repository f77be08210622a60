import { RampartError } from '@rampart/core';
import type { CheckpointStore, SignedCheckpoint } from '@rampart/journal';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { Tables } from '../tables.ts';

/** The signed checkpoints of the journal, in the database. */
export function createCheckpointStore({ reads, writer }: Database): CheckpointStore {
  return {
    add: (checkpoint) =>
      writer.write(async (transaction) => {
        const last = await latest(transaction);
        if (last !== undefined && checkpoint.size <= last.size) {
          throw new RampartError(
            'STORAGE_FAILED',
            `the last checkpoint is of ${last.size} entries: one of ${checkpoint.size} does not follow`,
          );
        }
        await transaction.insertInto('journal_checkpoints').values(checkpoint).execute();
      }),
    latest: () => latest(reads),
    moments: async () => {
      const rows = await reads.selectFrom('journal_checkpoints').select(['size', 'at']).orderBy('size').execute();
      return rows.map(({ size, at }) => ({ size, at }));
    },
    thin: (older) => writer.write((transaction) => thin(transaction, older)),
  };
}

async function thin(
  transaction: Transaction<Tables>,
  { than, everyMs }: { readonly than: number; readonly everyMs: number },
): Promise<void> {
  const lastOfEach = transaction
    .selectFrom('journal_checkpoints')
    .select(({ fn }) => fn.max('size').as('size'))
    .where('at', '<', than)
    // Not a division: a bound number may be taken for one with a fraction.
    .groupBy(sql`at - at % ${everyMs}`);
  const greatest = transaction.selectFrom('journal_checkpoints').select(({ fn }) => fn.max('size').as('size'));
  await transaction
    .deleteFrom('journal_checkpoints')
    .where('at', '<', than)
    .where('size', 'not in', lastOfEach)
    .where('size', '<', greatest)
    .execute();
}

async function latest(database: Kysely<Tables>): Promise<SignedCheckpoint | undefined> {
  const row = await database
    .selectFrom('journal_checkpoints')
    .select(['size', 'root', 'at', 'note'])
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row };
}
