import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { itemsOf } from '../batch.ts';
import type { ReportBatch } from '../batch.ts';
import { decodeFrame, encodeFrame, FRAME_HEAD, frameSize } from './frame.ts';
import type { Frame } from './frame.ts';

const SIGNATURE: Buffer = Buffer.from('RRSPOOL1', 'latin1');
/** A segment is closed at 1 MiB, but one append may bring all that memory held. */
const LARGEST_SEGMENT: number = 64 * 1024 * 1024;
const PRIVATE_FILE = 0o600;
const NAME = /^\d{8}\.spool$/;

/** True for names this module gives. */
export function isSegmentName(name: string): boolean {
  return NAME.test(name);
}

/**
 * One append-only file of a spool. Only what was written whole and reached the disk counts (`length`); what a crash or a
 * full disk left after that is never read, and is overwritten by the next append.
 */
export class Segment {
  readonly number: number;
  readonly #path: string;
  #length = 0;
  #readTo = SIGNATURE.length;
  #items = 0;
  #acknowledgedItems = 0;
  #firstSequence = 0n;
  #lastSequence = 0n;

  constructor(directory: string, number: number) {
    this.number = number;
    this.#path = join(directory, `${String(number).padStart(8, '0')}.spool`);
  }

  /** Reads a file that another process left; stops at the first frame that is not whole. */
  static async load(directory: string, name: string): Promise<Segment> {
    const segment = new Segment(directory, Number.parseInt(name, 10));
    const bytes = await readOwn(segment.#path);
    if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return segment;
    segment.#length = SIGNATURE.length;
    for (let frame = decodeFrame(bytes, segment.#length); frame !== undefined; frame = decodeFrame(bytes, frame.end)) {
      segment.#grew([frame.batch], frame.end);
    }
    return segment;
  }

  /** Bytes that are whole and on disk. */
  get length(): number {
    return this.#length;
  }

  /** Records and refused connections not acknowledged yet. */
  get unsent(): number {
    return this.#items - this.#acknowledgedItems;
  }

  /** True when it holds nothing after `sequence`. */
  endsBy(sequence: bigint): boolean {
    return this.#lastSequence <= sequence;
  }

  spans(sequence: bigint): boolean {
    return this.#firstSequence <= sequence && sequence <= this.#lastSequence;
  }

  /** Durable when it resolves; on failure the segment is as before. */
  async append(batches: readonly ReportBatch[]): Promise<void> {
    const isNew = this.#length === 0;
    const bytes = this.#encode(batches);
    const file = await open(this.#path, isNew ? 'w' : 'r+', PRIVATE_FILE);
    try {
      await file.truncate(this.#length);
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, this.#length + done)).bytesWritten;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#grew(batches, this.#length + bytes.length);
  }

  /** The same for the last moments of a process. */
  appendSync(batches: readonly ReportBatch[]): void {
    const bytes = this.#encode(batches);
    const file = openSync(this.#path, 'wx', PRIVATE_FILE);
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#grew(batches, bytes.length);
  }

  /** The first batch after `sequence`; undefined when there is none, and when the file is damaged from there on. */
  async next(sequence: bigint): Promise<ReportBatch | undefined> {
    const file = await open(this.#path, 'r');
    try {
      for (;;) {
        const frame = await this.#frameAt(file, this.#readTo);
        if (frame === undefined || frame.batch.sequence > sequence) return frame?.batch;
        this.#readTo = frame.end;
      }
    } finally {
      await file.close();
    }
  }

  async #frameAt(file: FileHandle, offset: number): Promise<Frame | undefined> {
    const size = frameSize(await read(file, offset, FRAME_HEAD));
    if (size === undefined || size > this.#length - offset) return undefined;
    const frame = decodeFrame(await read(file, offset, size), 0);
    return frame === undefined ? undefined : { batch: frame.batch, end: offset + size };
  }

  acknowledged(batch: ReportBatch): void {
    this.#acknowledgedItems += itemsOf(batch);
  }

  /** A file that cannot be deleted is sent again by whoever finds it, and the control plane stores it once. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  #encode(batches: readonly ReportBatch[]): Buffer {
    const frames = batches.map(encodeFrame);
    return Buffer.concat(this.#length === 0 ? [SIGNATURE, ...frames] : frames);
  }

  #grew(batches: readonly ReportBatch[], length: number): void {
    this.#length = length;
    for (const batch of batches) {
      this.#items += itemsOf(batch);
      if (this.#firstSequence === 0n) this.#firstSequence = batch.sequence;
      if (batch.sequence > this.#lastSequence) this.#lastSequence = batch.sequence;
    }
  }
}

/**
 * What is sent from a spool goes out under this workload's identity, so only files count that this user wrote: in a shared
 * temporary directory, others may put files in our way. Theirs read as empty.
 */
async function readOwn(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { uid, size } = await file.stat();
    const isOwn = uid === (process.getuid?.() ?? uid);
    return isOwn && size <= LARGEST_SEGMENT ? await file.readFile() : Buffer.alloc(0);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
