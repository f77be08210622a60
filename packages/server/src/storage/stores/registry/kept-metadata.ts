import type { Database } from '../../database.ts';
import { instanceOf, rowOf } from './instance-row.ts';
import type { SealedMetadata } from './sealed-metadata.ts';

const PAGE = 200;

/** Seals what is sensitive and was kept as it is: from before it was sensitive. In small writes, so that others go on. */
export async function sealKept({ writer }: Pick<Database, 'writer'>, sealing: SealedMetadata): Promise<void> {
  for (let last: string | undefined = ''; last !== undefined;) {
    const after: string = last;
    last = await writer.write(async (transaction) => {
      const rows = await transaction
        .selectFrom('instances')
        .selectAll()
        .where('instance_id', '>', after)
        .where('details', 'is not', null)
        .orderBy('instance_id')
        .limit(PAGE)
        .execute();
      for (const row of rows) {
        const { sealed: before, ...stored } = instanceOf(row);
        const { instance } = stored;
        if (!sealing.mustSeal(instance.metadata)) continue;
        const kept =
          before === undefined ? { metadata: instance.metadata } : { metadata: instance.metadata, sealed: before };
        const all = await sealing.open(instance.instanceId, kept);
        const { metadata, sealed } = await sealing.seal(instance.instanceId, all);
        const { details } = rowOf({ ...stored, instance: { ...instance, metadata } }, sealed);
        await transaction
          .updateTable('instances')
          .set({ details })
          .where('instance_id', '=', row.instance_id)
          .execute();
      }
      return rows.length < PAGE ? undefined : rows.at(-1)?.instance_id;
    });
  }
}
