import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Teams that the holders of tokens are of; null for none. */
export function tokenTeams(): Migration {
  return {
    async up({ schema }: Kysely<unknown>): Promise<void> {
      await schema.alterTable('api_tokens').addColumn('teams', 'text').execute();
    },
  };
}
