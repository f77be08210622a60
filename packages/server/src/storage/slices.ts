import { type RawBuilder, sql } from 'kysely';

/**
 * Sequences that an index by identity keeps together. In order of identity alone, each of thousands of identities has its own
 * page of the index, and each new certificate writes another one; within a slice they share a few pages. Whoever looks for an
 * identity looks into every slice: a thousand of them take a millisecond.
 */
const SLICE = 1024;

type Sliced = 'certificates' | 'journal_entries';

/** The slice of a row, for an index and for the queries that are to use it. */
export function sliceOf(table: Sliced): RawBuilder<number> {
  return sql<number>`(${sql.ref(`${table}.sequence`)} / ${sql.lit(SLICE)})`;
}

/** One row for each slice of a table, in the column `number`; only those in which entries `after` one and `before` another may be. */
export function slicesOf(
  table: Sliced,
  { after, before }: { readonly after?: number | undefined; readonly before?: number | undefined } = {},
): RawBuilder<{ readonly number: number }> {
  const known = { min: after, max: before };
  const end = (which: 'min' | 'max'): RawBuilder<number> => {
    const bound = known[which];
    if (bound !== undefined) return sql`${sql.lit(Math.floor(Math.max(0, bound) / SLICE))}`;
    return sql`(select ${sql.raw(which)}(sequence) from ${sql.table(table)}) / ${sql.lit(SLICE)}`;
  };
  return sql`(with recursive slice(number) as (select ${end('min')} union all select number + 1 from slice where number < ${end('max')}) select number from slice)`;
}
