import { MerkleTree } from '@rampart/journal';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StorageEngine } from '../engine.ts';
import type { Tables } from '../tables.ts';

const PAGE = 5000;

/** What proofs are made of: roots of subtrees of the journal, signed checkpoints, and ledger entries by what they are about. */
export function verifiableJournal({ jsonText }: Pick<StorageEngine, 'jsonText'>): Migration {
  return {
    async up(database: Kysely<Tables>): Promise<void> {
      await createTables(database);
      // As an expression of the entry itself: an index with values of its own could be made to hide entries. The only one,
      // because each costs every issuance; serial numbers are looked for among the entries of their identity.
      const by = sql`${jsonText('body', 'spiffe_id')}`;
      await sql`create index journal_ledger_by_spiffe_id on journal_entries (${by}, sequence) where stream = 'ledger' and ${by} is not null`.execute(
        database,
      );
      await keepSubtrees(database);
    },
  };
}

async function createTables({ schema }: Kysely<Tables>): Promise<void> {
  await schema
    .createTable('journal_nodes')
    .addColumn('height', 'integer', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('journal_nodes_once', ['height', 'position'])
    .execute();
  await schema
    .createTable('journal_checkpoints')
    .addColumn('size', 'bigint', (column) => column.primaryKey())
    .addColumn('root', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .execute();
}

/** Of the entries that were written before there were proofs. */
async function keepSubtrees(database: Kysely<Tables>): Promise<void> {
  const tree = new MerkleTree();
  for (;;) {
    const page = await database
      .selectFrom('journal_entries')
      .select('leaf_hash')
      .where('sequence', '>', tree.size)
      .orderBy('sequence')
      .limit(PAGE)
      .execute();
    if (page.length === 0) return;
    const nodes: Tables['journal_nodes'][] = [];
    for (const { leaf_hash: leaf } of page) tree.add(leaf, (node) => nodes.push(node));
    for (const node of nodes) await database.insertInto('journal_nodes').values(node).execute();
  }
}
