import type { Compilable, CompiledQuery, InsertObject, Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** What runs compiled queries: the database, or a transaction of it. */
type Executor = Pick<Kysely<Tables>, 'executeQuery'>;

/**
 * An INSERT of one row that is compiled when it is first used: building and compiling a query costs more than running it, which
 * counts where thousands a second are written. Every row must have the columns of the first.
 */
export function insertion<Table extends keyof Tables>(
  database: Kysely<Tables>,
  table: Table,
): (executor: Executor, row: Tables[Table]) => Promise<void> {
  let known: { readonly columns: readonly (keyof Tables[Table])[]; readonly compiled: CompiledQuery } | undefined;
  return async (executor, row) => {
    known ??= {
      columns: Object.keys(row) as (keyof Tables[Table])[],
      compiled: database
        .insertInto(table)
        .values(row as InsertObject<Tables, Table>)
        .compile(),
    };
    const parameters = known.columns.map((column) => row[column]);
    await executor.executeQuery({ ...known.compiled, parameters });
  };
}

/** A SELECT that is compiled once; its parameters are given in the order in which it was built with them. */
export function selection<Row>(
  query: Compilable<Row>,
): (executor: Executor, ...parameters: readonly unknown[]) => Promise<readonly Row[]> {
  const compiled: CompiledQuery<Row> = query.compile();
  return async (executor, ...parameters) => {
    const { rows } = await executor.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
}
