import type { AuthorityStore, JoinTokenConsumption, JoinTokenRecord, WorkloadIdentity } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import type { Database } from '../database.ts';
import { insertion, selection } from '../precompiled.ts';
import type { JoinTokenTable } from '../tables.ts';

const MEANWHILE = 'the join token was used meanwhile';

/** Join tokens in the database: of those who come with the same one at the same time, the first is written. */
export function joinTokenMethods({
  reads,
  writer,
}: Pick<Database, 'reads' | 'writer'>): Pick<AuthorityStore, 'addJoinToken' | 'consumeJoinToken'> {
  const insertTokens = insertion(reads, 'join_tokens');
  const selectToken = selection(reads.selectFrom('join_tokens').selectAll().where('token_hash', '=', ''));
  const use = reads
    .updateTable('join_tokens')
    .set({ used_at: 0 })
    .where('token_hash', '=', '')
    .where('used_at', 'is', null)
    .where('expires_at', '>', 0)
    .compile();
  const standing = async (tokenHash: string, at: number): Promise<JoinTokenConsumption> => {
    const [row] = await selectToken(reads, tokenHash);
    if (row === undefined) return { outcome: 'unknown' };
    const token = tokenOf(row);
    if (row.used_at !== null) return { outcome: 'used', token };
    return { outcome: row.expires_at > at ? 'consumed' : 'expired', token };
  };
  return {
    addJoinToken: (token) => writer.store(() => insertTokens([tokenRow(token)])),
    consumeJoinToken: async (tokenHash, at) => {
      const found = await standing(tokenHash, at);
      if (found.outcome !== 'consumed') return found;
      const mustChange = { rows: 1, otherwise: MEANWHILE };
      try {
        await writer.store(() => [{ query: use, parameters: [at, tokenHash, at], mustChange }]);
      } catch (error) {
        if (!(error instanceof RampartError) || error.message !== MEANWHILE) throw error;
        const meanwhile = await standing(tokenHash, at);
        if (meanwhile.outcome === 'consumed') throw error;
        return meanwhile;
      }
      return found;
    },
  };
}

function tokenRow({ tokenHash, workload, spiffeId, createdAt, expiresAt }: JoinTokenRecord): JoinTokenTable {
  return {
    token_hash: tokenHash,
    workload: JSON.stringify(workload ?? null),
    spiffe_id: spiffeId,
    created_at: createdAt,
    expires_at: expiresAt,
    used_at: null,
  };
}

function tokenOf(row: JoinTokenTable): JoinTokenRecord {
  const workload = JSON.parse(row.workload) as WorkloadIdentity | null;
  return {
    tokenHash: row.token_hash,
    ...(workload === null ? {} : { workload }),
    spiffeId: row.spiffe_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
