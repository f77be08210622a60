import { storeCompanions } from '@rampart/journal';
import type {
  Companion,
  JournalBatch,
  JournalEntry,
  JournalQuery,
  JournalStore,
  MerkleRow,
  MerkleState,
} from '@rampart/journal';
import { type Expression, type ExpressionBuilder, type Kysely, sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import type { StorageEngine } from '../engine.ts';
import { insertion, selection } from '../precompiled.ts';
import { sliceOf, slicesOf } from '../slices.ts';
import { type Statement, statementsWithin } from '../statement.ts';
import type { Tables } from '../tables.ts';

const TREE = 'journal';
const HAS_BODY = sql<SqlBool>`body <> ''`;

/** The journal in the database. */
export function createJournalStore({ reads, reader, writer, engine }: Database): JournalStore {
  const insertEntries = insertion(reads, 'journal_entries');
  const insertNodes = insertion(reads, 'journal_nodes');
  const moveTree = treeStatement(reads);
  const expire = expiring(reads);
  const selectTree = selection(
    reader,
    reads.selectFrom('journal_trees').select(['size', 'peaks']).where('name', '=', TREE),
  );
  const tree = async (): Promise<MerkleState> => {
    const [row] = await selectTree(TREE);
    return row === undefined ? { size: 0, peaks: [] } : { size: row.size, peaks: JSON.parse(row.peaks) as string[] };
  };
  return {
    append: (batch) =>
      writer.store(async () => {
        const companions: Statement[] = [];
        await storeCompanions(batch.companions, companions);
        return [
          moveTree(batch),
          ...insertEntries(batch.entries.map(entryRow)),
          ...insertNodes(batch.nodes),
          ...companions,
        ];
      }),
    tree,
    read: (query) => read(reads, engine, query),
    expiry: (sequences) => ({ row: sequences, store: expire }),
    hashes: (row) => (row.height === 0 ? leafHashes(reads, row) : nodeHashes(reads, row)),
  };
}

/** In the write in which what says that they expired is stored. */
function expiring(database: Kysely<Tables>): Companion['store'] {
  return async (rows, within) => {
    for (const sequences of rows as readonly (readonly number[])[]) {
      const query = database
        .updateTable('journal_entries')
        .set({ body: '' })
        .where('sequence', 'in', sequences)
        .where('stream', '=', 'audit')
        .compile();
      statementsWithin(within).push({ query, parameters: query.parameters });
    }
  };
}

/** The tree as it is after a batch, which must begin where the stored one ends. */
function treeStatement(database: Kysely<Tables>): (batch: JournalBatch) => Statement {
  const query = sql`insert into journal_trees (name, size, peaks) select ${TREE}, ${0}, ${''}
    where coalesce((select size from journal_trees where name = ${TREE}), 0) = ${0}
    on conflict (name) do update set size = excluded.size, peaks = excluded.peaks`.compile(database);
  return ({ entries, tree: { size, peaks } }) => {
    const first = entries[0]?.sequence ?? Number.NaN;
    return {
      query,
      parameters: [TREE, size, JSON.stringify(peaks), TREE, first - 1],
      mustChange: { rows: 1, otherwise: `the journal does not end where a batch begins that begins at ${first}` },
    };
  };
}

function entryRow({ sequence, at, stream, kind, body, leafHash }: JournalEntry): Tables['journal_entries'] {
  return { sequence, at, stream, kind, body, leaf_hash: leafHash };
}

async function leafHashes(database: Kysely<Tables>, { first, count }: MerkleRow): Promise<string[]> {
  const rows = await database
    .selectFrom('journal_entries')
    .select('leaf_hash as hash')
    .where('sequence', '>', first)
    .where('sequence', '<=', first + count)
    .orderBy('sequence')
    .execute();
  return rows.map(({ hash }) => hash);
}

async function nodeHashes(database: Kysely<Tables>, { height, first, count }: MerkleRow): Promise<string[]> {
  const rows = await database
    .selectFrom('journal_nodes')
    .select('hash')
    .where('height', '=', height)
    .where('position', '>=', first)
    .where('position', '<', first + count)
    .orderBy('position')
    .execute();
  return rows.map(({ hash }) => hash);
}

async function read(
  database: Kysely<Tables>,
  engine: Pick<StorageEngine, 'jsonText'>,
  query: JournalQuery,
): Promise<JournalEntry[]> {
  const entries =
    query.spiffeId === undefined
      ? database.selectFrom('journal_entries')
      : // A join and not a condition, so that the slices are gone through in the index by identity.
        database.selectFrom(slicesOf('journal_entries', query).as('slice')).crossJoin('journal_entries');
  const rows = await entries
    .select(['sequence', 'at', 'stream', 'kind', 'body', 'leaf_hash as leafHash'])
    .where((builder) => builder.and(conditions(builder, engine, query)))
    .orderBy('sequence', query.order === 'oldest-first' ? 'asc' : 'desc')
    .limit(query.limit)
    .execute();
  return rows.map((row) => ({ ...row }));
}

function conditions(
  builder: ExpressionBuilder<Tables, 'journal_entries'>,
  { jsonText }: Pick<StorageEngine, 'jsonText'>,
  { stream, kind, spiffeId, about, after, before, withExpired }: JournalQuery,
): Expression<SqlBool>[] {
  return [
    // Without a kind the index by kind would bring entries in its order, and all of them would have to be sorted.
    ...(stream === undefined ? [] : [builder(kind === undefined ? sql`stream || ''` : 'stream', '=', stream)]),
    // Among the entries of an identity the index by kind is no help, and is not to look like one.
    ...(kind === undefined ? [] : [builder(spiffeId === undefined ? 'kind' : sql`kind || ''`, '=', kind)]),
    // The literal stands in the text of the query: that is how a partial index is found to cover it.
    ...(spiffeId === undefined && about === undefined ? [] : [builder('stream', '=', sql.lit('ledger'))]),
    ...(spiffeId === undefined ? [] : [builder(jsonText('body', 'spiffe_id'), '=', spiffeId)]),
    ...(spiffeId === undefined ? [] : [sql<SqlBool>`${sliceOf('journal_entries')} = slice.number`]),
    ...(about === undefined ? [] : [builder(jsonText('body', about.field), '=', about.value)]),
    // As a literal, too: the index by kind has only what has a body. Ledger entries always have one.
    ...(withExpired === true || spiffeId !== undefined || about !== undefined ? [] : [HAS_BODY]),
    ...(after === undefined ? [] : [builder('sequence', '>', after)]),
    ...(before === undefined ? [] : [builder('sequence', '<', before)]),
  ];
}
