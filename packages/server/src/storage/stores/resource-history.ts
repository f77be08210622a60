import type { Kysely, Transaction } from 'kysely';
import type { ChangedResource, RevisionEntry, StoredChange } from '../../resources/store.ts';
import type { Tables } from '../tables.ts';
import { readCounter } from './counter.ts';

const FLOOR = 'resource_history_floor';
/** Compacting looks at the whole history: it is done for many revisions at once. */
const SLACK = 100;

/** Engines bound the number of values in one statement. */
const ROWS_AT_ONCE = 200;

/** Puts a change on record, and lets go of what is older than the last `keep` changes. */
export async function addToHistory(
  transaction: Transaction<Tables>,
  { put, remove, entry }: StoredChange,
  keep: number,
): Promise<void> {
  const { revision, changes, ...facts } = entry;
  await transaction
    .insertInto('resource_revisions')
    .values({ revision, ...facts, changes: JSON.stringify(changes) })
    .execute();
  const rows = [
    ...put.map(({ key, json }) => ({ key, revision, json })),
    ...remove.map((key) => ({ key, revision, json: null })),
  ];
  for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
    await transaction
      .insertInto('resource_history')
      .values(rows.slice(first, first + ROWS_AT_ONCE))
      .execute();
  }
  await compact(transaction, keep);
}

/** The oldest revision whose resources are known. */
export function historyFloor(database: Kysely<Tables>): Promise<number> {
  return readCounter(database, FLOOR);
}

export async function revisionEntries(database: Kysely<Tables>, limit: number): Promise<RevisionEntry[]> {
  const rows = await database
    .selectFrom('resource_revisions')
    .selectAll()
    .orderBy('revision', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, changes: JSON.parse(row.changes) as ChangedResource[] }));
}

/** The newest form of each resource that is not newer than the revision. */
export async function resourcesAt(
  database: Kysely<Tables>,
  revision: number,
): Promise<{ readonly key: string; readonly json: string }[]> {
  const rows = await database
    .selectFrom('resource_history as form')
    .select(['form.key', 'form.json'])
    .where('form.revision', '<=', revision)
    .where('form.json', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('resource_history as later')
            .select('later.key')
            .whereRef('later.key', '=', 'form.key')
            .whereRef('later.revision', '>', 'form.revision')
            .where('later.revision', '<=', revision),
        ),
      ),
    )
    .orderBy('form.key')
    .execute();
  return rows.flatMap(({ key, json }) => (json === null ? [] : [{ key, json }]));
}

async function compact(transaction: Transaction<Tables>, keep: number): Promise<void> {
  const revisions = transaction.selectFrom('resource_revisions').select('revision').orderBy('revision', 'desc');
  if (
    (await revisions
      .offset(keep + Math.min(SLACK, keep))
      .limit(1)
      .executeTakeFirst()) === undefined
  ) {
    return;
  }
  const floor = (
    await revisions
      .offset(keep - 1)
      .limit(1)
      .executeTakeFirstOrThrow()
  ).revision;
  await transaction.deleteFrom('resource_revisions').where('revision', '<', floor).execute();
  await transaction
    .deleteFrom('resource_history as form')
    .where('form.revision', '<=', floor)
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('form.json', 'is', null),
        exists(
          selectFrom('resource_history as later')
            .select('later.key')
            .whereRef('later.key', '=', 'form.key')
            .whereRef('later.revision', '>', 'form.revision')
            .where('later.revision', '<=', floor),
        ),
      ]),
    )
    .execute();
  await transaction.updateTable('counters').set({ value: floor }).where('name', '=', FLOOR).execute();
}
