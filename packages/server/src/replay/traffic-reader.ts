import type { AccessLogRecord } from '@rampart/core';
import type { LogTail } from '../telemetry/log-tail.ts';
import type { AccessLogStore } from '../telemetry/store.ts';
import type { TimeSlices } from '../time-slices.ts';

export interface TrafficSource {
  readonly logs: AccessLogStore;
  readonly tail: LogTail;
}

/** The records of one block, and how far reading has come. */
export interface TrafficChunk {
  readonly records: readonly AccessLogRecord[];
  /** Records read so far, and those there are to read. */
  readonly progress: { readonly records: number; readonly total: number };
}

const BATCHES_A_READ = 4;

/**
 * What was reported since a time (Unix milliseconds), newest first, a block at a time. Reports that arrive meanwhile are
 * left out. A request is reported after it began, so that none that began since then is missed.
 */
export async function* readTraffic(
  { logs, tail }: TrafficSource,
  since: number,
  slices: TimeSlices,
): AsyncGenerator<TrafficChunk> {
  const total = await logs.recordsSince(since);
  let records = 0;
  let before: number | undefined;
  for (;;) {
    const batches = await logs.newest({ limit: BATCHES_A_READ, ...(before === undefined ? {} : { before }) });
    for (const batch of batches) {
      if (batch.receivedAt < since) {
        return;
      }
      before = batch.position;
      const read = tail.read(batch);
      records += batch.recordCount;
      yield { records: read.records, progress: { records, total: Math.max(total, records) } };
      await slices.others();
    }
    if (batches.length < BATCHES_A_READ) {
      return;
    }
  }
}
