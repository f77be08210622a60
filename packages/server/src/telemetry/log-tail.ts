import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import { readRecordBlock } from '@rampart/wire';
import type { StoredBatch } from './store.ts';

/** A batch that somebody reads. */
export interface ReadBatch {
  readonly position: number;
  readonly records: readonly AccessLogRecord[];
  readonly connections: readonly ConnectionRefusal[];
}

/** Hands what arrives to whoever follows it. A block is unpacked once, and only when there is a follower. */
export class LogTail {
  readonly #followers = new Set<(batch: ReadBatch) => void>();
  readonly #unreadable: (batch: StoredBatch, error: unknown) => void;

  constructor(options: { unreadable(batch: StoredBatch, error: unknown): void }) {
    this.#unreadable = options.unreadable;
  }

  get followers(): number {
    return this.#followers.size;
  }

  follow(follower: (batch: ReadBatch) => void): () => void {
    const own = (batch: ReadBatch): void => follower(batch);
    this.#followers.add(own);
    return () => void this.#followers.delete(own);
  }

  publish(batch: StoredBatch): void {
    if (this.#followers.size === 0) {
      return;
    }
    const read = this.read(batch);
    for (const follower of this.#followers) {
      follower(read);
    }
  }

  /** A block that cannot be read is reported and counts as empty: one bad batch must not hide the others. */
  read(batch: StoredBatch): ReadBatch {
    const { position, connections } = batch;
    try {
      const records = batch.records.length === 0 ? [] : readRecordBlock(batch.records);
      return { position, connections, records: records.map((record) => signed(record, batch.spiffeId)) };
    } catch (error) {
      this.#unreadable(batch, error);
      return { position, connections, records: [] };
    }
  }
}

/** Who reports is what the reporter's certificate says, whatever it wrote: nobody puts requests on another's record. */
function signed(record: AccessLogRecord, reporter: string): AccessLogRecord {
  return record.reporter === 'source'
    ? { ...record, source_principal: reporter }
    : { ...record, destination_principal: reporter };
}
