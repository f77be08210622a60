import { constants, DatabaseSync } from 'node:sqlite';

import type { SqlValue } from '../../audit-sql.ts';
import { addFunctions } from './functions.ts';
import { translate } from './translate.ts';

/**
 * A process for one question: only a process can be ended in the middle of a statement, or of reading one. It sees two tables and nothing else of the
 * database, and cannot write.
 */

export interface QueryOrder {
  readonly file: string;
  /** In the SQL of PostgreSQL. */
  readonly sql: string;
  /** What NOW() is, Unix milliseconds. */
  readonly now: number;
  readonly allowedServices: readonly string[];
  readonly mostRows: number;
}

export type QueryAnswer =
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly SqlValue[])[]; readonly isCut: boolean }
  | { readonly refused: string };

const BUSY_TIMEOUT_MS = 5000;
const LARGEST_ANSWER = 16 * 1024 * 1024;
const LARGEST_VALUE = 4 * 1024 * 1024;
const MOST_MEMORY = 256 * 1024 * 1024;

const RECORDED = [
  'service_name',
  'instance_id',
  'identity',
  'source_ip',
  'result',
  'details',
  'registry_node',
  'correlation_id',
];

const VIEW = `CREATE TEMP VIEW audit_logs AS SELECT json_extract(body, '$.timestamp') AS timestamp, kind AS event_type, ${RECORDED.map(
  (name) => `json_extract(body, '$.${name}') AS ${name}`,
).join(', ')}, sequence, leaf_hash FROM main.journal_entries WHERE stream = 'audit' AND body <> ''`;

/** What can be asked for: the two tables, and what the view needs to be one. */
const TABLES: ReadonlySet<string> = new Set(['audit_logs', 'allowed_services']);
/** They make as much of nothing as one likes. */
const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set([
  'zeroblob',
  'randomblob',
  'printf',
  'format',
  'load_extension',
]);

function open({ file, allowedServices }: QueryOrder): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS, allowExtension: false });
  database.exec(
    `PRAGMA hard_heap_limit = ${MOST_MEMORY}; PRAGMA temp_store = MEMORY; ${VIEW}; CREATE TEMP TABLE allowed_services (name TEXT)`,
  );
  const insert = database.prepare('INSERT INTO temp.allowed_services VALUES (?)');
  for (const name of allowedServices) insert.run(name);
  addFunctions(database);
  database.limits.length = LARGEST_VALUE;
  database.setAuthorizer((...[action, first, second, , through]) => permitted(action, { first, second, through }));
  return database;
}

interface Wanted {
  /** A table. */
  readonly first: string | null;
  /** A column, or a function. */
  readonly second: string | null;
  /** The view that needs it. */
  readonly through: string | null;
}

function permitted(action: number, { first, second, through }: Wanted): number {
  const isOpen =
    action === constants.SQLITE_SELECT ||
    (action === constants.SQLITE_READ && (TABLES.has(first ?? '') || first === '' || through === 'audit_logs')) ||
    (action === constants.SQLITE_FUNCTION && !FORBIDDEN_FUNCTIONS.has((second ?? '').toLowerCase()));
  return isOpen ? constants.SQLITE_OK : constants.SQLITE_DENY;
}

function answer(order: QueryOrder): QueryAnswer {
  const sql = translate(order.sql, order.now);
  if (!sql.ok) return { refused: sql.problem.message };
  const database = open(order);
  const statement = database.prepare(sql.value);
  statement.setReadBigInts(true);
  const columns = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  const rows: SqlValue[][] = [];
  let size = 0;
  for (const row of statement.iterate() as Iterable<unknown>) {
    const values = (row as unknown[]).map(valueOf);
    size += values.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
    if (rows.length === order.mostRows || size > LARGEST_ANSWER) return { columns, rows, isCut: true };
    rows.push(values);
  }
  return { columns, rows, isCut: false };
}

function valueOf(value: unknown): SqlValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'bigint') return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

process.once('message', (order: QueryOrder) => {
  let told: QueryAnswer;
  try {
    told = answer(order);
  } catch (error) {
    told = { refused: error instanceof Error ? error.message : 'it failed without saying why' };
  }
  process.send?.(told, () => process.disconnect());
});
