import type { ApiTokenStore } from '../../admin/api-tokens/store.ts';
import type { Database } from '../database.ts';

/** Engines take so many values in one statement and no more. */
const MOST_IN_ONE = 500;

/** The hashes of short-lived tokens in the database. */
export function createApiTokenStore({ reads, writer }: Database): ApiTokenStore {
  return {
    all: async () => {
      const rows = await reads
        .selectFrom('api_tokens')
        .select(['id', 'name', 'role', 'teams', 'token_hash as tokenHash', 'created_at as createdAt'])
        .select(['expires_at as expiresAt', 'created_by as createdBy'])
        .execute();
      return rows.map(({ teams, ...row }) => ({
        ...row,
        teams: teams === null ? [] : (JSON.parse(teams) as string[]),
      }));
    },
    add: ({ tokenHash, createdAt, expiresAt, createdBy, teams, ...same }) =>
      writer.write(async (transaction) => {
        const row = {
          ...same,
          token_hash: tokenHash,
          created_at: createdAt,
          expires_at: expiresAt,
          created_by: createdBy,
          teams: teams.length === 0 ? null : JSON.stringify(teams),
        };
        await transaction.insertInto('api_tokens').values(row).execute();
      }),
    shorten: (id, expiresAt) =>
      writer.write(async (transaction) => {
        await transaction
          .updateTable('api_tokens')
          .set({ expires_at: expiresAt })
          .where('id', '=', id)
          .where('expires_at', '>', expiresAt)
          .execute();
      }),
    remove: (ids) =>
      writer.write(async (transaction) => {
        for (let at = 0; at < ids.length; at += MOST_IN_ONE) {
          await transaction
            .deleteFrom('api_tokens')
            .where('id', 'in', ids.slice(at, at + MOST_IN_ONE))
            .execute();
        }
      }),
  };
}
