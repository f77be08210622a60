import type { Database } from '../../database.ts';
import { instanceOf, rowOf } from './instance-row.ts';
import type { InstanceSecrets } from './instance-secrets.ts';

const PAGE = 200;

/** Seals what is secret and was kept as it is: from before it was known to be. In small writes, so that others go on. */
export async function sealKept({ writer }: Pick<Database, 'writer'>, secrets: InstanceSecrets): Promise<void> {
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
        const kept = instanceOf(row);
        if (!secrets.mustSeal(kept.instance)) continue;
        const { details, state } = rowOf(await secrets.seal(await secrets.open(kept)));
        await transaction
          .updateTable('instances')
          .set({ details, state })
          .where('instance_id', '=', row.instance_id)
          .execute();
      }
      return rows.length < PAGE ? undefined : rows.at(-1)?.instance_id;
    });
  }
}
