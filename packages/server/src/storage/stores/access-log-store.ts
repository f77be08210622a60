import type { ConnectionRefusal } from '@rampart/core';
import type { Transaction } from 'kysely';
import type { AccessLogStore, Retention, StoredBatch } from '../../telemetry/store.ts';
import type { Database } from '../database.ts';
import type { AccessLogBatchTable, Tables } from '../tables.ts';

const DROPPED_AT_ONCE = 500;

/** Access logs in the database, a block of records a row. */
export function createAccessLogStore({ reads, writer }: Database): AccessLogStore {
  // Positions go on growing when everything was dropped: followers tell by them what they have seen.
  let highest = 0;
  return {
    add: (batch) =>
      writer.write(async (transaction) => {
        const position = await add(transaction, {
          ...batch,
          position: Math.max(highest, await lastPosition(transaction)) + 1,
        });
        highest = position ?? highest;
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

async function add(transaction: Transaction<Tables>, batch: StoredBatch): Promise<number | undefined> {
  const { position } = batch;
  const connections = JSON.stringify(batch.connections);
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('access_log_batches')
    .values({
      position,
      spiffe_id: batch.spiffeId,
      reporter: batch.reporter,
      sequence: batch.sequence,
      received_at: batch.receivedAt,
      record_count: batch.recordCount,
      size: batch.records.length + connections.length,
      records: batch.records,
      connections,
    })
    .onConflict((conflict) => conflict.columns(['spiffe_id', 'reporter', 'sequence']).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 0n ? undefined : position;
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
