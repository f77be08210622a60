import type { RevisionStore } from '../../changes/revision-store.ts';
import type { Database } from '../database.ts';
import { readCounter } from './counter.ts';

/** Counter of the revisions that data planes are told. */
export const REVISION = 'revision';

/** The reserved revisions in the database. */
export function createRevisionStore({ reads, writer }: Database): RevisionStore {
  return {
    reserved: () => readCounter(reads, REVISION),
    reserve: (upTo) =>
      writer.write(async (transaction) => {
        await transaction
          .insertInto('counters')
          .values({ name: REVISION, value: upTo })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: upTo }))
          .execute();
      }),
  };
}
