import { RecordBlockWriter } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

import type { Collected, RefusedConnection } from './batch.ts';

/** Limits at which a batch is cut before its time. */
const MOST_RECORDS = 4_096;
const MOST_BYTES: number = 256 * 1024;
const MOST_EVENTS = 1_000;
const LONGEST_TEXT = 512;

/** Records and refused connections of the batch that is being collected. */
export class OpenBlock {
  readonly #writer = new RecordBlockWriter();
  #events: RefusedConnection[] = [];

  get isEmpty(): boolean {
    return this.#writer.count === 0 && this.#events.length === 0;
  }

  /** Records and refused connections. */
  get size(): number {
    return this.#writer.count + this.#events.length;
  }

  get isFull(): boolean {
    const writer = this.#writer;
    return writer.count >= MOST_RECORDS || writer.byteEstimate >= MOST_BYTES || this.#events.length >= MOST_EVENTS;
  }

  append(record: RecordInput): void {
    this.#writer.append(record);
  }

  refused(event: RefusedConnection): void {
    this.#events.push({
      ...event,
      reason: event.reason.slice(0, LONGEST_TEXT),
      remoteAddress: event.remoteAddress.slice(0, LONGEST_TEXT),
      peer: event.peer.slice(0, LONGEST_TEXT),
    });
  }

  take(): Collected {
    const recordCount = this.#writer.count;
    const records = recordCount === 0 ? new Uint8Array() : this.#writer.finish();
    const connectionEvents = this.#events;
    this.#events = [];
    return { records, recordCount, connectionEvents };
  }
}
