import type { RegistryStore, StoredInstance } from '@rampart/registry';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../database.ts';
import type { InstanceTable, Tables } from '../../tables.ts';
import { insertion } from '../../precompiled.ts';
import { increment } from '../counter.ts';
import { instanceOf, rowOf } from './instance-row.ts';
import type { InstanceSecrets } from './instance-secrets.ts';

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

/** Counter of the openings of the registry. */
export const REGISTRY_EPOCH = 'registry_epoch';

/** A row to keep, or the id of one to remove. */
type Change = InstanceTable | string;

interface Pending {
  readonly change: Change | Promise<Change>;
  resolve(): void;
  reject(error: unknown): void;
}

/** The instances in the database. Changes that wait for the same commit are one write of it. */
export function createRegistryStore({ reads, writer }: Database, secrets: InstanceSecrets): RegistryStore {
  const save = savingStatement(reads);
  const removing = reads.deleteFrom('instances').where('instance_id', '=', '').compile();
  const sealed = async (stored: StoredInstance): Promise<InstanceTable> => rowOf(await secrets.seal(stored));
  let pending: Pending[] = [];

  const ask = (change: Pending['change']): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    pending.push({ change, resolve, reject });
    if (pending.length === 1) void writeAll();
    return promise;
  };
  const writeAll = async (): Promise<void> => {
    let mine: readonly Pending[] = [];
    try {
      await writer.store(async () => {
        mine = pending;
        pending = [];
        // What is being sealed holds up what comes after it, so that changes take effect in the order of their calls.
        const changes = mine.some(({ change }) => change instanceof Promise)
          ? await Promise.all(mine.map(async ({ change }) => change))
          : mine.map(({ change }) => change as Change);
        return inParts(changes).flatMap((part) =>
          typeof part === 'string' ? { query: removing, parameters: [part] } : save(part),
        );
      });
      for (const { resolve } of mine) resolve();
    } catch (error) {
      // Refused before it began: nothing was taken.
      if (mine.length === 0) [mine, pending] = [pending, []];
      for (const { reject } of mine) reject(error);
    }
  };
  return {
    instances: () => allInstances(reads, secrets),
    save: (stored) => ask(secrets.mustSeal(stored.instance) ? sealed(stored) : rowOf(stored)),
    remove: (instanceId) => ask(instanceId),
    nextEpoch: () => writer.write((transaction: Transaction<Tables>) => increment(transaction, REGISTRY_EPOCH, 1)),
  };
}

const PAGE = 5000;

/** In pages, because rows and instances of all of them at once would need twice the memory. */
async function allInstances(database: Kysely<Tables>, secrets: InstanceSecrets): Promise<StoredInstance[]> {
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
      const isOpen = kept.sealed === undefined && kept.sealedChecks === undefined;
      instances.push(isOpen ? kept : await secrets.open(kept));
    }
    last = rows.at(-1)?.instance_id ?? '';
    if (rows.length < PAGE) return instances;
  }
}

/** The changes in their order; rows that follow each other, each of another instance, are one part. */
function inParts(changes: readonly Change[]): readonly (readonly InstanceTable[] | string)[] {
  const parts: (InstanceTable[] | string)[] = [];
  let rows: InstanceTable[] = [];
  const seen = new Set<string>();
  for (const change of changes) {
    if (typeof change === 'string') {
      parts.push(change);
      rows = [];
      continue;
    }
    // One statement writes a row once.
    if (rows.length === 0 || seen.has(change.instance_id)) {
      seen.clear();
      parts.push((rows = []));
    }
    seen.add(change.instance_id);
    rows.push(change);
  }
  return parts;
}

/** Takes the place of rows with the same id. */
function savingStatement(database: Kysely<Tables>): ReturnType<typeof insertion<'instances'>> {
  return insertion(database, 'instances', (insert) =>
    insert.onConflict((conflict) =>
      conflict
        .column('instance_id')
        .doUpdateSet((eb) => Object.fromEntries(COLUMNS.map((column) => [column, eb.ref(`excluded.${column}`)]))),
    ),
  );
}
