import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, open, readdir, rmdir } from 'node:fs/promises';

import type { ReportBatch } from '../batch.ts';
import type { BatchSource } from '../batch-source.ts';
import { isSegmentName, Segment } from './segment.ts';

export const PRIVATE_DIRECTORY = 0o700;

export interface SpoolLimits {
  /** What a spool may take on disk, in bytes; beyond it the oldest segment goes. */
  readonly bytes: number;
  /** A segment is closed once it is this long. */
  readonly segmentBytes: number;
}

export const SPOOL_LIMITS: SpoolLimits = { bytes: 64 * 1024 * 1024, segmentBytes: 1024 * 1024 };

/**
 * Batches of one reporter on disk, in the order of their sequence numbers.
 *
 * Durability: a batch counts as spooled once `fdatasync` (and, for a new file, `fsync` of the directory) has returned.
 * Files are private to the user (0600 in a directory of 0700), appear with the first batch and go with the last
 * acknowledgement. One append, one read and any acknowledgements may be under way at a time; the owner sees to that.
 */
export class Spool implements BatchSource {
  readonly directory: string;
  readonly #limits: SpoolLimits;
  /** Oldest first. */
  #segments: Segment[] = [];
  #nextNumber = 1;
  #appending = false;
  /** False after a failed append: what comes next goes into a new file. */
  #tailIsSound = true;
  #acknowledged = 0n;
  #dropped = 0;

  constructor(directory: string, limits: SpoolLimits = SPOOL_LIMITS) {
    this.directory = directory;
    this.#limits = limits;
  }

  /** Opens what another process left in `directory`. */
  static async load(directory: string, limits: SpoolLimits = SPOOL_LIMITS): Promise<Spool> {
    const spool = new Spool(directory, limits);
    const names = await readdir(directory);
    for (const name of names.filter(isSegmentName).toSorted()) {
      const segment = await Segment.load(directory, name).catch(unlessGone);
      if (segment !== undefined) spool.#segments.push(segment);
    }
    spool.#nextNumber = (spool.#segments.at(-1)?.number ?? 0) + 1;
    return spool;
  }

  get isEmpty(): boolean {
    return this.#segments.every((segment) => segment.endsBy(this.#acknowledged));
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.length, 0);
  }

  /** Records and refused connections that wait here. */
  get unsent(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.unsent, 0);
  }

  /** Records and refused connections that were given up for space, or could not be read again. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Durable when it resolves. On failure (a full disk…) nothing was added. */
  async append(batches: readonly ReportBatch[]): Promise<void> {
    if (batches.length === 0) return;
    this.#appending = true;
    try {
      const tail = this.#segments.at(-1);
      if (this.#tailIsSound && tail !== undefined && tail.length < this.#limits.segmentBytes)
        await tail.append(batches);
      else await this.#appendToNew(batches);
      this.#tailIsSound = true;
    } catch (error) {
      this.#tailIsSound = false;
      throw error;
    } finally {
      this.#appending = false;
    }
    this.#settleAcknowledged(batches);
    await this.#trim();
    await this.#shed();
  }

  /** The same for the last moments of a process; always in a file of its own, so that an append under way does not matter. */
  appendSync(batches: readonly ReportBatch[]): void {
    if (batches.length === 0) return;
    mkdirSync(this.directory, { recursive: true, mode: PRIVATE_DIRECTORY });
    const segment = this.#newSegment();
    segment.appendSync(batches);
    syncDirectorySync(this.directory);
    this.#segments.push(segment);
  }

  /** The oldest batch that is not acknowledged. */
  async next(): Promise<ReportBatch | undefined> {
    for (;;) {
      const segment = this.#segments.find((each) => !each.endsBy(this.#acknowledged));
      if (segment === undefined) return undefined;
      const batch = await this.#read(segment);
      if (batch !== undefined) return batch;
      if (!segment.endsBy(this.#acknowledged)) await this.#drop(segment);
    }
  }

  async acknowledge(batch: ReportBatch): Promise<void> {
    if (batch.sequence <= this.#acknowledged) return;
    this.#acknowledged = batch.sequence;
    this.#segments.find((segment) => segment.spans(batch.sequence))?.acknowledged(batch);
    await this.#trim();
  }

  /** Removes the directory when nothing is left in it. */
  async removeIfEmpty(): Promise<void> {
    if (!this.isEmpty) return;
    await this.#trim();
    await rmdir(this.directory).catch(() => undefined);
  }

  /** Gives up everything. */
  async discard(): Promise<void> {
    for (const segment of [...this.#segments]) await this.#drop(segment);
    await this.removeIfEmpty();
  }

  async #appendToNew(batches: readonly ReportBatch[]): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: PRIVATE_DIRECTORY });
    const segment = this.#newSegment();
    try {
      await segment.append(batches);
      await syncDirectory(this.directory);
    } catch (error) {
      await segment.remove();
      throw error;
    }
    this.#segments.push(segment);
  }

  /** Batches that were acknowledged from memory while they were written do not wait here. */
  #settleAcknowledged(batches: readonly ReportBatch[]): void {
    for (const batch of batches) {
      if (batch.sequence <= this.#acknowledged) this.#segments.at(-1)?.acknowledged(batch);
    }
  }

  #newSegment(): Segment {
    return new Segment(this.directory, this.#nextNumber++);
  }

  async #read(segment: Segment): Promise<ReportBatch | undefined> {
    try {
      return await segment.next(this.#acknowledged);
    } catch (error) {
      if (isPassing(error)) throw error;
      return undefined;
    }
  }

  /** Deletes what is acknowledged. */
  async #trim(): Promise<void> {
    for (const segment of this.#segments.filter((each) => each.endsBy(this.#acknowledged))) {
      const isWrittenTo = this.#appending && segment === this.#segments.at(-1);
      if (!isWrittenTo) await this.#remove(segment);
    }
  }

  async #shed(): Promise<void> {
    while (this.bytes > this.#limits.bytes && this.#segments.length > 1) {
      const [oldest] = this.#segments;
      if (oldest !== undefined) await this.#drop(oldest);
    }
  }

  async #drop(segment: Segment): Promise<void> {
    if (!this.#segments.includes(segment)) return;
    this.#dropped += segment.unsent;
    await this.#remove(segment);
  }

  async #remove(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((each) => each !== segment);
    await segment.remove();
  }
}

/** A file that its owner has deleted in its last moment was sent. */
function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

/** Trouble that says nothing about the file itself. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}

/** New names in a directory survive a power cut only then. Not every platform can do it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  try {
    await directory?.sync();
  } catch {
    // The file itself has been synced; that is all this platform offers.
  } finally {
    await directory?.close();
  }
}

function syncDirectorySync(path: string): void {
  let directory: number | undefined;
  try {
    directory = openSync(path, 'r');
    fsyncSync(directory);
  } catch {
    // As above.
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
}
