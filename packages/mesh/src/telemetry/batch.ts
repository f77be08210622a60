import type { ConnectionRefusalKind } from '@rampart/core';

/** A connection that was refused before any request could be read. */
export interface RefusedConnection {
  /** Unix milliseconds. */
  readonly at: bigint;
  readonly kind: ConnectionRefusalKind;
  readonly reason: string;
  /** "ip:port" */
  readonly remoteAddress: string;
  readonly localPort: number;
  /** Identity the peer presented; "" when none could be read. */
  readonly peer: string;
}

/** What was collected until a cut. */
export interface Collected {
  /** A record block; empty when `recordCount` is 0. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly recordCount: number;
  readonly connectionEvents: RefusedConnection[];
}

/** What is sent, and spooled, as one. (reporter, sequence) names it for good: the control plane stores it once. */
export interface ReportBatch extends Collected {
  readonly reporter: string;
  /** 1, 2, 3… within a reporter. */
  readonly sequence: bigint;
}

/** Resolves once the control plane has stored the batch; repeating one is harmless. */
export type TelemetrySend = (batch: ReportBatch) => Promise<void>;

const BATCH_OVERHEAD = 200;
const EVENT_OVERHEAD = 200;

/** Roughly what a batch takes in memory or in the spool, in bytes. */
export function sizeOf(batch: ReportBatch): number {
  let size = BATCH_OVERHEAD + batch.records.length;
  for (const event of batch.connectionEvents) {
    size += EVENT_OVERHEAD + event.reason.length + event.remoteAddress.length + event.peer.length;
  }
  return size;
}

/** Records and refused connections: what is lost when a batch is. */
export function itemsOf(batch: ReportBatch): number {
  return batch.recordCount + batch.connectionEvents.length;
}
