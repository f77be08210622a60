import type { RegistryStore, StoredInstance } from '@rampart/registry';
import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { Database } from '../../database.ts';
import type { InstanceTable, Tables } from '../../tables.ts';
import { increment } from '../counter.ts';
import { instanceOf, type KeptInstance, rowOf } from './instance-row.ts';
import type { SealedMetadata } from './sealed-metadata.ts';

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
  readonly query: CompiledQuery | Promise<CompiledQuery>;
  resolve(): void;
  reject(error: unknown): void;
}

/** The instances in the database. Changes that wait for the same commit are one write of it. */
export function createRegistryStore({ reads, writer }: Database, sealing: SealedMetadata): RegistryStore {
  const saving = savingQuery(reads);
  const removing = reads.deleteFrom('instances').where('instance_id', '=', '').compile();
  const save = (row: InstanceTable): CompiledQuery => ({
    ...saving,
    parameters: [row.instance_id, ...COLUMNS.map((column) => row[column])],
  });
  const sealed = async (stored: StoredInstance): Promise<InstanceTable> => {
    const { instance } = stored;
    const kept = await sealing.seal(instance.instanceId, instance.metadata);
    return rowOf({ ...stored, instance: { ...instance, metadata: kept.metadata } }, kept.sealed);
  };
  let pending: Pending[] = [];

  const change = (query: Pending['query']): Promise<void> => {
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
        // What is being sealed holds up what comes after it, so that changes take effect in the order of their calls.
        for (const { query } of mine) await transaction.executeQuery(query instanceof Promise ? await query : query);
      });
      for (const { resolve } of mine) resolve();
    } catch (error) {
      // Refused before it began: nothing was taken.
      if (mine.length === 0) [mine, pending] = [pending, []];
      for (const { reject } of mine) reject(error);
    }
  };
  return {
    instances: () => allInstances(reads, sealing),
    save: (stored) => {
      if (!sealing.mustSeal(stored.instance.metadata)) return change(save(rowOf(stored)));
      return change(sealed(stored).then(save));
    },
    remove: (instanceId) => change({ ...removing, parameters: [instanceId] }),
    nextEpoch: () => writer.write((transaction: Transaction<Tables>) => increment(transaction, 'registry_epoch', 1)),
  };
}

const PAGE = 5000;

/** In pages, because rows and instances of all of them at once would need twice the memory. */
async function allInstances(database: Kysely<Tables>, sealing: SealedMetadata): Promise<StoredInstance[]> {
  const instances: StoredInstance[] = [];
  for (let last = ''; ;) {
    const rows = await database
      .selectFrom('instances')
      .selectAll()
      .where('instance_id', '>', last)
      .orderBy('instance_id')
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      const kept = instanceOf(row);
      instances.push(kept.sealed === undefined ? kept : await unsealed(kept, sealing));
    }
    last = rows.at(-1)?.instance_id ?? '';
    if (rows.length < PAGE) return instances;
  }
}

async function unsealed(
  { instance, sealed, standing, checks }: KeptInstance,
  sealing: SealedMetadata,
): Promise<StoredInstance> {
  const { instanceId, metadata } = instance;
  const kept = sealed === undefined ? { metadata } : { metadata, sealed };
  return { instance: { ...instance, metadata: await sealing.open(instanceId, kept) }, standing, checks };
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
