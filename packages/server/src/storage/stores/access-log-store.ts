import type { ConnectionRefusal } from '@rampart/core';
import type { Transaction } from 'kysely';
import type { AccessLogBatch, AccessLogStore, Retention, StoredBatch } from '../../telemetry/store.ts';
import type { Database } from '../database.ts';
import { insertion } from '../precompiled.ts';
import type { AccessLogBatchTable, Tables } from '../tables.ts';

const DROPPED_AT_ONCE = 500;

/** Access logs in the database, a block of records a row. */
export function createAccessLogStore({ reads, writer }: Database): AccessLogStore {
  const insert = insertion(reads, 'access_log_batches', (rows) =>
    rows.onConflict((conflict) => conflict.columns(['spiffe_id', 'reporter', 'sequence']).doNothing()),
  );
  // Positions go on growing when everything was dropped: followers tell by them what they have seen. Nobody else gives any.
  let highest: number | undefined;
  return {
    add: (batch) =>
      writer.write(async (transaction) => {
        highest ??= await lastPosition(transaction);
        const position = highest + 1;
        for (const { query, parameters } of insert([rowOf(batch, position)])) {
          const { numAffectedRows } = await transaction.executeQuery({ ...query, parameters });
          if (numAffectedRows === 0n) return undefined;
        }
        highest = position;
        return position;
      }),
    newest: async ({ before, limit }) => {
      const newest = reads.selectFrom('access_log_batches').selectAll().orderBy('position', 'desc').limit(limit);
      const rows = await (before === undefined ? newest : newest.where('position', '<', before)).execute();
      return rows.map(batchOf);
    },
    recordsSince: async (receivedSince) => {
      const { total } = await reads
        .selectFrom('access_log_batches')
        .select(({ fn }) => fn.sum<number | string>('record_count').as('total'))
        .where('received_at', '>=', receivedSince)
        .executeTakeFirstOrThrow();
      return Number(total ?? 0);
    },
    prune: async (retention) => {
      let dropped = 0;
      for (let last = DROPPED_AT_ONCE; last === DROPPED_AT_ONCE; dropped += last) {
        last = await writer.write((transaction) => dropOldest(transaction, retention));
      }
      return dropped;
    },
  };
}

async function lastPosition(transaction: Transaction<Tables>): Promise<number> {
  const { last } = await transaction
    .selectFrom('access_log_batches')
    .select(({ fn }) => fn.max('position').as('last'))
    .executeTakeFirstOrThrow();
  return last ?? 0;
}

function rowOf(batch: AccessLogBatch, position: number): AccessLogBatchTable {
  const connections = JSON.stringify(batch.connections);
  return {
    position,
    spiffe_id: batch.spiffeId,
    reporter: batch.reporter,
    sequence: batch.sequence,
    received_at: batch.receivedAt,
    record_count: batch.recordCount,
    size: batch.records.length + connections.length,
    records: batch.records,
    connections,
  };
}

/** Drops what is too old or too much from the oldest end, a bounded number of batches; answers with how many. */
async function dropOldest(transaction: Transaction<Tables>, { receivedBefore, keepBytes }: Retention): Promise<number> {
  const { total } = await transaction
    .selectFrom('access_log_batches')
    .select(({ fn }) => fn.sum<number | string>('size').as('total'))
    .executeTakeFirstOrThrow();
  const oldest = await transaction
    .selectFrom('access_log_batches')
    .select(['position', 'size', 'received_at'])
    .orderBy('position')
    .limit(DROPPED_AT_ONCE)
    .execute();
  let excess = Number(total ?? 0) - keepBytes;
  let last: number | undefined;
  let dropped = 0;
  for (const { position, size, received_at: receivedAt } of oldest) {
    if (receivedAt >= receivedBefore && excess <= 0) {
      break;
    }
    excess -= size;
    last = position;
    dropped += 1;
  }
  if (last !== undefined) {
    await transaction.deleteFrom('access_log_batches').where('position', '<=', last).execute();
  }
  return dropped;
}

function batchOf(row: AccessLogBatchTable): StoredBatch {
  return {
    position: row.position,
    spiffeId: row.spiffe_id,
    reporter: row.reporter,
    sequence: row.sequence,
    receivedAt: row.received_at,
    recordCount: row.record_count,
    records: row.records,
    connections: JSON.parse(row.connections) as ConnectionRefusal[],
  };
}
