import type { ConnectionRefusal } from '@rampart/core';
import type { Transaction } from 'kysely';
import type { AccessLogBatch, AccessLogStore, StoredBatch } from '../../telemetry/store.ts';
import type { Database } from '../database.ts';
import { insertion } from '../precompiled.ts';
import type { AccessLogBatchTable, Tables } from '../tables.ts';

/** Few enough that whoever calls meanwhile does not wait: each has hundreds of pages to give back. */
const DROPPED_AT_ONCE = 64;

/** Access logs in the database, a block of records a row. */
export function createAccessLogStore({ reads, writer }: Database): AccessLogStore {
  const insert = insertion(reads, 'access_log_batches', (rows) =>
    rows.onConflict((conflict) => conflict.columns(['spiffe_id', 'reporter', 'sequence']).doNothing()),
  );
  // Positions go on growing when everything was dropped: followers tell by them what they have seen. Nobody else gives any.
  let highest: number | undefined;
  // Of all rows, once it was asked for: to sum it up again each time would read every one of them.
  let bytes: number | undefined;
  return {
    add: async (batch) => {
      const added = await writer.write(async (transaction) => {
        highest ??= await lastPosition(transaction);
        const position = highest + 1;
        for (const { query, parameters } of insert([rowOf(batch, position)])) {
          const { numAffectedRows } = await transaction.executeQuery({ ...query, parameters });
          if (numAffectedRows === 0n) return undefined;
        }
        highest = position;
        return position;
      });
      if (added !== undefined && bytes !== undefined) bytes += sizeOf(batch);
      return added;
    },
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
    prune: async ({ receivedBefore, keepBytes }) => {
      // As a write, so that each batch is either in it or added to it.
      bytes ??= await writer.write(totalBytes);
      let dropped = 0;
      for (;;) {
        const excess = bytes - keepBytes;
        const last = await writer.write((transaction) => dropOldest(transaction, { receivedBefore, excess }));
        bytes -= last.bytes;
        dropped += last.batches;
        if (last.batches < DROPPED_AT_ONCE) return dropped;
      }
    },
  };
}

async function totalBytes(transaction: Transaction<Tables>): Promise<number> {
  const { total } = await transaction
    .selectFrom('access_log_batches')
    .select(({ fn }) => fn.sum<number | string>('size').as('total'))
    .executeTakeFirstOrThrow();
  return Number(total ?? 0);
}

async function lastPosition(transaction: Transaction<Tables>): Promise<number> {
  const { last } = await transaction
    .selectFrom('access_log_batches')
    .select(({ fn }) => fn.max('position').as('last'))
    .executeTakeFirstOrThrow();
  return last ?? 0;
}

function rowOf(batch: AccessLogBatch, position: number): AccessLogBatchTable {
  return {
    position,
    spiffe_id: batch.spiffeId,
    reporter: batch.reporter,
    sequence: batch.sequence,
    received_at: batch.receivedAt,
    record_count: batch.recordCount,
    size: sizeOf(batch),
    records: batch.records,
    connections: JSON.stringify(batch.connections),
  };
}

function sizeOf({ records, connections }: AccessLogBatch): number {
  return records.length + JSON.stringify(connections).length;
}

interface Dropped {
  readonly batches: number;
  readonly bytes: number;
}

/** Drops what is too old, and what is too much by `excess` bytes, from the oldest end: a bounded number of batches. */
async function dropOldest(
  transaction: Transaction<Tables>,
  { receivedBefore, excess }: { readonly receivedBefore: number; readonly excess: number },
): Promise<Dropped> {
  const oldest = await transaction
    .selectFrom('access_log_batches')
    .select(['position', 'size', 'received_at'])
    .orderBy('position')
    .limit(DROPPED_AT_ONCE)
    .execute();
  let last: number | undefined;
  let batches = 0;
  let bytes = 0;
  for (const { position, size, received_at: receivedAt } of oldest) {
    if (receivedAt >= receivedBefore && bytes >= excess) {
      break;
    }
    last = position;
    batches += 1;
    bytes += size;
  }
  if (last !== undefined) {
    await transaction.deleteFrom('access_log_batches').where('position', '<=', last).execute();
  }
  return { batches, bytes };
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
