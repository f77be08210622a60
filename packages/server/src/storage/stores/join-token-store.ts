import {
  type AuthorityStore,
  type JoinTokenClaim,
  type JoinTokenRecord,
  Turns,
  type WorkloadIdentity,
} from '@rampart/authority';
import type { Database } from '../database.ts';
import { insertion, selection } from '../precompiled.ts';
import { statementsWithin } from '../statement.ts';
import type { JoinTokenTable } from '../tables.ts';

const ONCE = { rows: 1, otherwise: 'the join token was used meanwhile' };

interface Use {
  readonly tokenHash: string;
  readonly at: number;
}

/** Join tokens in the database. Claims are this process's: what another one used meanwhile is not used again. */
export function joinTokenMethods({
  reads,
  reader,
  writer,
}: Pick<Database, 'reads' | 'reader' | 'writer'>): Pick<AuthorityStore, 'addJoinToken' | 'claimJoinToken'> {
  const insertTokens = insertion(reads, 'join_tokens');
  const selectToken = selection(reader, reads.selectFrom('join_tokens').selectAll().where('token_hash', '=', ''));
  const use = reads
    .updateTable('join_tokens')
    .set({ used_at: 0 })
    .where('token_hash', '=', '')
    .where('used_at', 'is', null)
    .where('expires_at', '>', 0)
    .compile();
  const storeUses = async (uses: readonly unknown[], within: unknown): Promise<void> => {
    for (const { tokenHash, at } of uses as readonly Use[])
      statementsWithin(within).push({ query: use, parameters: [at, tokenHash, at], mustChange: ONCE });
  };
  const turns = new Turns();
  const claim = async ({ tokenHash, at }: Use, release: () => void): Promise<JoinTokenClaim> => {
    const [row] = await selectToken(tokenHash);
    if (row === undefined) return { outcome: 'unknown' };
    const token = tokenOf(row);
    if (row.used_at !== null) return { outcome: 'used', token };
    if (row.expires_at <= at) return { outcome: 'expired', token };
    return { outcome: 'claimed', token, use: { row: { tokenHash, at }, store: storeUses }, release };
  };
  return {
    addJoinToken: (token) => writer.store(() => insertTokens([tokenRow(token)])),
    claimJoinToken: async (tokenHash, at) => {
      const release = await turns.take(tokenHash);
      let claimed: JoinTokenClaim | undefined;
      try {
        return (claimed = await claim({ tokenHash, at }, release));
      } finally {
        if (claimed?.outcome !== 'claimed') release();
      }
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
