import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The tables that this migration reads and fills, as they are then. */
interface Then {
  readonly counters: { name: string; value: number };
  readonly ca_certificates: {
    serial: string;
    position: number;
    kind: string;
    not_before: number;
    name: string;
    state: string;
    since: number;
  };
}

/** Authorities have a state, and one that somebody else signed has certificates above it. */
export function signingAuthorities(): Migration {
  return {
    async up(database: Kysely<Then>): Promise<void> {
      const { schema } = database;
      const text = (name: string, value: string): Promise<void> =>
        schema
          .alterTable('ca_certificates')
          .addColumn(name, 'text', (column) => column.notNull().defaultTo(value))
          .execute();
      await text('name', '');
      await text('upstream', '[]');
      await text('state', 'old');
      await schema
        .alterTable('ca_certificates')
        .addColumn('since', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await schema
        .createTable('ca_requests')
        .addColumn('key_name', 'text', (column) => column.primaryKey())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute();
      await nameAndPlace(database);
    },
  };
}

/** Until then the newest of each kind signed, and the number of the bundle was that of its roots. */
async function nameAndPlace(database: Kysely<Then>): Promise<void> {
  const rows = await database.selectFrom('ca_certificates').selectAll().orderBy('position', 'desc').execute();
  const seen = new Set<string>();
  for (const { serial, kind, not_before: since } of rows) {
    const state = seen.has(kind) ? 'old' : 'active';
    const name = `Rampart ${kind} CA ${serial.slice(0, 8)}`;
    await database.updateTable('ca_certificates').set({ name, state, since }).where('serial', '=', serial).execute();
    seen.add(kind);
  }
  const roots = rows.filter(({ kind }) => kind === 'root').length;
  if (roots > 0) await database.insertInto('counters').values({ name: 'bundle_sequence', value: roots }).execute();
}
