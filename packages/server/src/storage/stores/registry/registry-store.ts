import type { RegistryStore, StoredInstance } from '@rampart/registry';
import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { Database } from '../../database.ts';
import type { InstanceTable, Tables } from '../../tables.ts';
import { increment } from '../counter.ts';
import { instanceOf, rowOf } from './instance-row.ts';

const COLUMNS = [
  'service',
  'namespace',
  'identity',
  'host',
  'port',
  'protocol',
  'labels',
  'registered_at',
  'owner',
  'details',
  'state',
] as const satisfies readonly (keyof InstanceTable)[];

interface Pending {
  readonly query: CompiledQuery;
  resolve(): void;
  reject(error: unknown): void;
}

/** The instances in the database. Changes that wait for the same commit are one write of it. */
export function createRegistryStore({ reads, writer }: Database): RegistryStore {
  const saving = savingQuery(reads);
  const removing = reads.deleteFrom('instances').where('instance_id', '=', '').compile();
  let pending: Pending[] = [];

  const change = (query: CompiledQuery): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    pending.push({ query, resolve, reject });
    if (pending.length === 1) void writeAll();
    return promise;
  };
  const writeAll = async (): Promise<void> => {
    let mine: readonly Pending[] = [];
    try {
      await writer.write(async (transaction) => {
        mine = pending;
        pending = [];
        for (const { query } of mine) await transaction.executeQuery(query);
      });
      for (const { resolve } of mine) resolve();
    } catch (error) {
      // Refused before it began: nothing was taken.
      if (mine.length === 0) [mine, pending] = [pending, []];
      for (const { reject } of mine) reject(error);
    }
  };
  return {
    instances: () => allInstances(reads),
    save: (stored) => {
      const row = rowOf(stored);
      return change({ ...saving, parameters: [row.instance_id, ...COLUMNS.map((column) => row[column])] });
    },
    remove: (instanceId) => change({ ...removing, parameters: [instanceId] }),
    nextEpoch: () => writer.write((transaction: Transaction<Tables>) => increment(transaction, 'registry_epoch', 1)),
  };
}

const PAGE = 5000;

/** In pages, because rows and instances of all of them at once would need twice the memory. */
async function allInstances(database: Kysely<Tables>): Promise<StoredInstance[]> {
  const instances: StoredInstance[] = [];
  for (let last = ''; ;) {
    const rows = await database
      .selectFrom('instances')
      .selectAll()
      .where('instance_id', '>', last)
      .orderBy('instance_id')
      .limit(PAGE)
      .execute();
    for (const row of rows) instances.push(instanceOf(row));
    last = rows.at(-1)?.instance_id ?? '';
    if (rows.length < PAGE) return instances;
  }
}

/** Takes the place of the row with the same id. Compiled once: that costs more than running it. */
function savingQuery(database: Kysely<Tables>): CompiledQuery {
  const nothing = { instance_id: '', service: '', namespace: '', identity: '', host: '', port: 0, protocol: '' };
  return database
    .insertInto('instances')
    .values({ ...nothing, labels: '', registered_at: 0, owner: '', details: '', state: '' })
    .onConflict((conflict) =>
      conflict
        .column('instance_id')
        .doUpdateSet((eb) => Object.fromEntries(COLUMNS.map((column) => [column, eb.ref(`excluded.${column}`)]))),
    )
    .compile();
}
