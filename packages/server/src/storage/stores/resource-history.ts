import type { Kysely, Transaction } from 'kysely';
import type { ChangedResource, RevisionEntry, StoredChange } from '../../resources/store.ts';
import type { Database } from '../database.ts';
import { insertion } from '../precompiled.ts';
import type { Statement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { readCounter } from './counter.ts';

const FLOOR = 'resource_history_floor';
/** Compacting looks at the whole history: it is done for many revisions at once. */
const SLACK = 100;

/** What puts a change on record. */
export function historyOf(database: Kysely<Tables>): (change: StoredChange) => readonly Statement[] {
  const addRevision = insertion(database, 'resource_revisions');
  const addForms = insertion(database, 'resource_history');
  return ({ put, remove, entry: { changes, ...facts } }) => [
    ...addRevision([{ ...facts, changes: JSON.stringify(changes) }]),
    ...addForms([
      ...put.map(({ key, json }) => ({ key, revision: facts.revision, json })),
      ...remove.map((key) => ({ key, revision: facts.revision, json: null })),
    ]),
  ];
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

/** Lets go of what is older than the last `keep` changes. */
export async function compact({ reads, writer }: Pick<Database, 'reads' | 'writer'>, keep: number): Promise<void> {
  const revisions = reads.selectFrom('resource_revisions').select('revision').orderBy('revision', 'desc').limit(1);
  const surplus = await revisions.offset(keep + Math.min(SLACK, keep)).executeTakeFirst();
  if (surplus === undefined) return;
  const { revision: floor } = await revisions.offset(keep - 1).executeTakeFirstOrThrow();
  await writer.write((transaction) => forget(transaction, floor));
}

async function forget(transaction: Transaction<Tables>, floor: number): Promise<void> {
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
