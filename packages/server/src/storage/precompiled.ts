import type { Compilable, CompiledQuery, InsertObject, InsertQueryBuilder, InsertResult, Kysely } from 'kysely';
import type { Executor, Statement } from './statement.ts';
import type { Tables } from './tables.ts';

/** Rows of one statement: few numbers, so that each is compiled once, and so that any number of rows takes few statements. */
const ROWS_AT_ONCE = [64, 32, 16, 8, 4, 2, 1] as const;

/** An INSERT of some rows, to which what happens to those that are there already is to be added. */
type Insert<Table extends keyof Tables> = InsertQueryBuilder<Tables, Table, InsertResult>;

/**
 * INSERTs that are compiled when they are first used: building and compiling a query costs more than running it, which
 * counts where thousands of rows a second are written, and so does each statement. Every row must have the columns of the first.
 */
export function insertion<Table extends keyof Tables>(
  database: Kysely<Tables>,
  table: Table,
  finish: (insert: Insert<Table>) => Compilable = (insert) => insert,
): (rows: readonly Tables[Table][]) => readonly Statement[] {
  const compiled = new Map<number, CompiledQuery>();
  let columns: readonly (keyof Tables[Table])[] = [];
  const compile = (count: number, row: Tables[Table]): CompiledQuery => {
    columns = Object.keys(row) as (keyof Tables[Table])[];
    const rows = Array.from({ length: count }, () => row as InsertObject<Tables, Table>);
    const query = finish(database.insertInto(table).values(rows)).compile();
    compiled.set(count, query);
    return query;
  };
  return (rows) => {
    const statements: Statement[] = [];
    for (let at = 0; at < rows.length;) {
      const left = rows.length - at;
      const count = ROWS_AT_ONCE.find((size) => size <= left) ?? 1;
      const end = at + count;
      const query = compiled.get(count) ?? compile(count, rows[at] as Tables[Table]);
      const parameters: unknown[] = [];
      for (; at < end; at += 1) {
        const row = rows[at] as Tables[Table];
        for (const column of columns) parameters.push(row[column]);
      }
      statements.push({ query, parameters });
    }
    return statements;
  };
}

/** A SELECT that is compiled once; its parameters are given in the order in which it was built with them. */
export function selection<Row>(
  reader: Executor,
  query: Compilable<Row>,
): (...parameters: readonly unknown[]) => Promise<readonly Row[]> {
  const compiled: CompiledQuery<Row> = query.compile();
  return async (...parameters) => {
    const { rows } = await reader.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
}
