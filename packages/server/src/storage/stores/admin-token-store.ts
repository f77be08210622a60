import type { AdminTokenStore } from '../../admin/admin-tokens.ts';
import type { Database } from '../database.ts';

/** The hashes of operators' tokens in the database. */
export function createAdminTokenStore({ reads, writer }: Database): AdminTokenStore {
  return {
    all: () =>
      reads.selectFrom('admin_tokens').select(['name', 'token_hash as tokenHash', 'created_at as createdAt']).execute(),
    put: ({ name, tokenHash, createdAt }) =>
      writer.write(async (transaction) => {
        const value = { token_hash: tokenHash, created_at: createdAt };
        await transaction
          .insertInto('admin_tokens')
          .values({ name, ...value })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(value))
          .execute();
      }),
  };
}
