import { RampartError } from '@rampart/core';
import type { JournalBatch, JournalEntry, JournalQuery, JournalStore, MerkleState } from '@rampart/journal';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { Tables } from '../tables.ts';

const TREE = 'journal';
/** Keeps a statement below every engine's limit of bound values. */
const ENTRIES_PER_STATEMENT = 1000;

/** The journal in the database. */
export function createJournalStore({ reads, writer }: Database): JournalStore {
  return {
    append: (batch) => writer.write((transaction) => append(transaction, batch)),
    tree: () => tree(reads),
    read: (query) => read(reads, query),
  };
}

async function append(transaction: Transaction<Tables>, { entries, tree: next }: JournalBatch): Promise<void> {
  const { size } = await tree(transaction);
  const first = entries[0]?.sequence;
  if (first !== size + 1) {
    throw new RampartError(
      'STORAGE_FAILED',
      `the journal ends at ${size}: a batch that begins at ${first} does not follow`,
    );
  }
  for (let start = 0; start < entries.length; start += ENTRIES_PER_STATEMENT) {
    const rows = entries
      .slice(start, start + ENTRIES_PER_STATEMENT)
      .map(({ leafHash, ...row }) => ({ ...row, leaf_hash: leafHash }));
    await transaction.insertInto('journal_entries').values(rows).execute();
  }
  const row = { size: next.size, peaks: JSON.stringify(next.peaks) };
  await transaction
    .insertInto('journal_trees')
    .values({ name: TREE, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute();
}

async function tree(database: Kysely<Tables>): Promise<MerkleState> {
  const row = await database
    .selectFrom('journal_trees')
    .select(['size', 'peaks'])
    .where('name', '=', TREE)
    .executeTakeFirst();
  return row === undefined ? { size: 0, peaks: [] } : { size: row.size, peaks: JSON.parse(row.peaks) as string[] };
}

async function read(database: Kysely<Tables>, query: JournalQuery): Promise<JournalEntry[]> {
  let select = database
    .selectFrom('journal_entries')
    .select(['sequence', 'at', 'stream', 'kind', 'body', 'leaf_hash as leafHash'])
    .orderBy('sequence', query.order === 'oldest-first' ? 'asc' : 'desc')
    .limit(query.limit);
  if (query.stream !== undefined) {
    select = select.where('stream', '=', query.stream);
  }
  if (query.kind !== undefined) {
    select = select.where('kind', '=', query.kind);
  }
  if (query.after !== undefined) {
    select = select.where('sequence', '>', query.after);
  }
  if (query.before !== undefined) {
    select = select.where('sequence', '<', query.before);
  }
  const rows = await select.execute();
  return rows.map((row) => ({ ...row }));
}
