import type { RegistryStore } from '@rampart/registry';
import type { Database } from '../database.ts';
import { increment } from './counter.ts';
import { instanceOf, rowOf } from './instance-row.ts';

/** The instances in the database. */
export function createRegistryStore({ reads, writer }: Database): RegistryStore {
  return {
    instances: async () => (await reads.selectFrom('instances').selectAll().execute()).map(instanceOf),
    save: (stored) =>
      writer.write(async (transaction) => {
        const row = rowOf(stored);
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
