import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Who registered an instance, what it says of itself beside its address, and the state it was in; null for what most have. */
export function instanceState(): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      for (const column of ['owner', 'details', 'state'])
        await schema.alterTable('instances').addColumn(column, 'text').execute();
    },
  };
}
