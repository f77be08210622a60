import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../tables.ts';

/** Adds to a named counter that begins at 0, and answers with its new value. */
export async function increment(transaction: Transaction<Tables>, name: string, by: number): Promise<number> {
  const value = (await readCounter(transaction, name)) + by;
  await setCounter(transaction, name, value);
  return value;
}

export async function setCounter(transaction: Transaction<Tables>, name: string, value: number): Promise<void> {
  await transaction
    .insertInto('counters')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** Value of a named counter; 0 when nobody counted. */
export async function readCounter(database: Kysely<Tables>, name: string): Promise<number> {
  const row = await database.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value ?? 0;
}
