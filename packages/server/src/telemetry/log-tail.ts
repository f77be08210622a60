import { type AccessLogRecord, type ConnectionRefusal, RampartError } from '@rampart/core';
import { openRecordBlock, type RecordBlock } from '@rampart/wire';
import type { StoredBatch } from './store.ts';

/** A batch that somebody reads. Records are made when they are asked for: most readers look at some fields, or at few rows. */
export class ReadBatch {
  readonly position: number;
  readonly connections: readonly ConnectionRefusal[];
  /** Undefined where there are no records, or none that can be read. */
  readonly block: RecordBlock | undefined;
  /** Whose it is. */
  readonly spiffeId: string;
  #records: readonly AccessLogRecord[] | undefined;

  constructor({ position, connections, spiffeId }: StoredBatch, block: RecordBlock | undefined) {
    this.position = position;
    this.connections = connections;
    this.block = block;
    this.spiffeId = spiffeId;
  }

  /** Records and refused connections. */
  get size(): number {
    return (this.block?.count ?? 0) + this.connections.length;
  }

  /** All of them; made once for everybody who wants them all. */
  get records(): readonly AccessLogRecord[] {
    return (this.#records ??= this.rows(() => true).map((row) => this.record(row)));
  }

  /** Rows of the block that are wanted. */
  rows(isWanted: (block: RecordBlock, row: number) => boolean): number[] {
    const { block } = this;
    const rows: number[] = [];
    if (block === undefined) return rows;
    for (let row = 0; row < block.count; row += 1) if (isWanted(block, row)) rows.push(row);
    return rows;
  }

  record(row: number): AccessLogRecord {
    if (this.block === undefined) throw new RampartError('INTERNAL', 'BUG: a batch without records was asked for one');
    return signed(this.block.record(row), this.spiffeId);
  }
}

/** Hands what arrives to whoever follows it. A block is opened once, and only when there is a follower. */
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
    try {
      return new ReadBatch(batch, batch.records.length === 0 ? undefined : openRecordBlock(batch.records));
    } catch (error) {
      this.#unreadable(batch, error);
      return new ReadBatch(batch, undefined);
    }
  }
}

/** Who reports is what the reporter's certificate says, whatever it wrote: nobody puts requests on another's record. */
function signed(record: AccessLogRecord, reporter: string): AccessLogRecord {
  return record.reporter === 'source'
    ? { ...record, source_principal: reporter }
    : { ...record, destination_principal: reporter };
}
