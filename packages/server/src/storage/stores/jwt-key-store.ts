import type { JwtKeyRecord, JwtKeyStore } from '@rampart/authority';
import type { Database } from '../database.ts';
import type { JwtKeyTable } from '../tables.ts';

/** The keys of JWT-SVIDs in the database. */
export function createJwtKeyStore({ reads, writer }: Database): JwtKeyStore {
  return {
    addJwtKey: ({ keyId, keyName, publicKeyDer, createdAt, activeFrom, notAfter }) =>
      writer.write(async (transaction) => {
        const { last } = await transaction
          .selectFrom('jwt_keys')
          .select(({ fn }) => fn.max('position').as('last'))
          .executeTakeFirstOrThrow();
        const times = { created_at: createdAt, active_from: activeFrom, not_after: notAfter, retired_at: null };
        const names = { key_id: keyId, key_name: keyName, public_key: publicKeyDer };
        await transaction
          .insertInto('jwt_keys')
          .values({ ...names, ...times, position: (last ?? 0) + 1 })
          .execute();
      }),
    jwtKeys: async () => {
      const rows = await reads.selectFrom('jwt_keys').selectAll().orderBy('position').execute();
      return rows.map(keyOf);
    },
    retireJwtKey: (keyId, at) =>
      writer.write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('jwt_keys')
          .set({ retired_at: at })
          .where('key_id', '=', keyId)
          .where('retired_at', 'is', null)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
  };
}

function keyOf(row: JwtKeyTable): JwtKeyRecord {
  return {
    keyId: row.key_id,
    keyName: row.key_name,
    publicKeyDer: new Uint8Array(row.public_key),
    createdAt: row.created_at,
    activeFrom: row.active_from,
    notAfter: row.not_after,
    ...(row.retired_at === null ? {} : { retiredAt: row.retired_at }),
  };
}
