import type { Instance, RegistryStore } from '@rampart/registry';
import type { Database } from '../database.ts';
import type { InstanceTable } from '../tables.ts';
import { increment } from './counter.ts';

/** The instances in the database. */
export function createRegistryStore({ reads, writer }: Database): RegistryStore {
  return {
    instances: async () => (await reads.selectFrom('instances').selectAll().execute()).map(instanceOf),
    save: (instance) =>
      writer.write(async (transaction) => {
        const row = rowOf(instance);
        const { instance_id: _, ...changed } = row;
        await transaction
          .insertInto('instances')
          .values(row)
          .onConflict((conflict) => conflict.column('instance_id').doUpdateSet(changed))
          .execute();
      }),
    remove: (instanceId) =>
      writer.write(async (transaction) => {
        await transaction.deleteFrom('instances').where('instance_id', '=', instanceId).execute();
      }),
    nextEpoch: () => writer.write((transaction) => increment(transaction, 'registry_epoch', 1)),
  };
}

function rowOf({ instanceId, registeredAt, labels, ...same }: Instance): InstanceTable {
  return { ...same, instance_id: instanceId, registered_at: registeredAt, labels: JSON.stringify(labels) };
}

function instanceOf({
  instance_id: instanceId,
  registered_at: registeredAt,
  labels,
  ...same
}: InstanceTable): Instance {
  return { ...same, instanceId, registeredAt, labels: JSON.parse(labels) as Record<string, string> };
}
