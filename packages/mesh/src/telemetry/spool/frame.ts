import { crc32 } from 'node:zlib';

import type { RefusedConnection, ReportBatch } from '../batch.ts';

/**
 * A frame of the spool: payload length and CRC-32 of the payload (4 bytes each, little-endian), then the payload: length of
 * the JSON head (4 bytes), the head, the record block. A frame that was not written to its end does not pass its checksum.
 */
export const FRAME_HEAD = 8;
const PAYLOAD_HEAD = 4;
/** Far above any batch; keeps a damaged length from asking for gigabytes. */
const LARGEST_PAYLOAD: number = 16 * 1024 * 1024;

interface BatchHead {
  readonly reporter: string;
  readonly sequence: number;
  readonly recordCount: number;
  readonly connectionEvents: readonly (Omit<RefusedConnection, 'at'> & { readonly at: number })[];
}

export interface Frame {
  readonly batch: ReportBatch;
  /** Offset of the next frame. */
  readonly end: number;
}

export function encodeFrame(batch: ReportBatch): Uint8Array {
  const { reporter, sequence, recordCount, records } = batch;
  const connectionEvents = batch.connectionEvents.map((event) => ({ ...event, at: Number(event.at) }));
  const head = Buffer.from(
    JSON.stringify({ reporter, sequence: Number(sequence), recordCount, connectionEvents } satisfies BatchHead),
  );
  const frame = Buffer.alloc(FRAME_HEAD + PAYLOAD_HEAD + head.length + records.length);
  frame.writeUInt32LE(head.length, FRAME_HEAD);
  frame.set(head, FRAME_HEAD + PAYLOAD_HEAD);
  frame.set(records, FRAME_HEAD + PAYLOAD_HEAD + head.length);
  const payload = frame.subarray(FRAME_HEAD);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(crc32(payload), 4);
  return frame;
}

/** Bytes of the whole frame that begins with `head`; undefined when no frame can begin like that. */
export function frameSize(head: Uint8Array): number | undefined {
  if (head.length < FRAME_HEAD) return undefined;
  const length = Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt32LE(0);
  return length < PAYLOAD_HEAD || length > LARGEST_PAYLOAD ? undefined : FRAME_HEAD + length;
}

/** The frame at `offset`; undefined when there is none that is whole. */
export function decodeFrame(segment: Uint8Array, offset: number): Frame | undefined {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength);
  const size = frameSize(bytes.subarray(offset));
  if (size === undefined || size > bytes.length - offset) return undefined;
  const end = offset + size;
  const payload = bytes.subarray(offset + FRAME_HEAD, end);
  if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return undefined;
  const batch = decodePayload(payload);
  return batch === undefined ? undefined : { batch, end };
}

function decodePayload(payload: Buffer): ReportBatch | undefined {
  const headEnd = PAYLOAD_HEAD + payload.readUInt32LE(0);
  if (headEnd > payload.length) return undefined;
  const head = parseHead(payload.toString('utf8', PAYLOAD_HEAD, headEnd));
  if (head === undefined) return undefined;
  return {
    reporter: head.reporter,
    sequence: BigInt(head.sequence),
    recordCount: head.recordCount,
    connectionEvents: head.connectionEvents.map((event) => ({ ...event, at: BigInt(event.at) })),
    records: new Uint8Array(payload.subarray(headEnd)),
  };
}

/** The checksum has passed, so this was written by this code: enough to look at what would make later steps throw. */
function parseHead(json: string): BatchHead | undefined {
  try {
    const head = JSON.parse(json) as BatchHead;
    const isWhole =
      typeof head.reporter === 'string' &&
      Number.isSafeInteger(head.sequence) &&
      Number.isSafeInteger(head.recordCount) &&
      head.connectionEvents.every(({ at }) => Number.isSafeInteger(at));
    return isWhole ? head : undefined;
  } catch {
    return undefined;
  }
}
