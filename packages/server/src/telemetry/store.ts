import type { ConnectionRefusal } from '@rampart/core';

/** What one report of a data plane held. */
export interface AccessLogBatch {
  /** Identity that reported it. */
  readonly spiffeId: string;
  /** Spool it came from, and its number there: a batch is stored once. */
  readonly reporter: string;
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly receivedAt: number;
  readonly recordCount: number;
  /** Record block of @rampart/wire; empty when there are no records. */
  readonly records: Uint8Array;
  readonly connections: readonly ConnectionRefusal[];
}

export interface StoredBatch extends AccessLogBatch {
  /** Order of arrival. */
  readonly position: number;
}

/** Which batches to drop: those that came before, and the oldest ones beyond the budget. */
export interface Retention {
  /** Unix milliseconds. */
  readonly receivedBefore: number;
  readonly keepBytes: number;
}

/** Where access logs are kept. Methods that change something resolve once the change survives the loss of power. */
export interface AccessLogStore {
  /** Answers with the position; undefined when this identity's batch of that spool and number is there already. */
  add(batch: AccessLogBatch): Promise<number | undefined>;
  /** Newest first, only those before a position when one is given. */
  newest(query: { readonly before?: number; readonly limit: number }): Promise<readonly StoredBatch[]>;
  /** How many records there are in batches that were received since a time (Unix milliseconds). */
  recordsSince(receivedSince: number): Promise<number>;
  /** Answers with how many batches were dropped. */
  prune(retention: Retention): Promise<number>;
}
