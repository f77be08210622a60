import { randomUUID } from 'node:crypto';

import { RampartError } from '@rampart/core';
import type { Clock, Random, Timer } from '@rampart/core';
import type { RecordInput } from '@rampart/wire/record-block';

import { AdoptedSpools } from './spool/adopted-spools.ts';
import { itemsOf } from './batch.ts';
import type { Collected, RefusedConnection, TelemetrySend } from './batch.ts';
import { Delivery } from './delivery.ts';
import { OpenBlock } from './open-block.ts';
import { OutgoingQueue } from './outgoing-queue.ts';
import { localProcesses } from './spool/processes.ts';
import type { Processes } from './spool/processes.ts';
import { SpoolDirectory } from './spool/spool-directory.ts';
import { SPOOL_LIMITS } from './spool/spool.ts';
import type { SpoolPaths } from './spool/spool-directory.ts';
import type { SpoolLimits } from './spool/spool.ts';
import type { Telemetry } from './telemetry.ts';

export type { RefusedConnection, ReportBatch, TelemetrySend } from './batch.ts';

/** A batch is cut this long after its first record. */
const CUT_MS = 250;
const ADOPT_MS = 60_000;
const MEMORY_BYTES: number = 4 * 1024 * 1024;
/** Memory is moved to the spool from here on, even while the control plane answers. */
const SPILL_BYTES: number = MEMORY_BYTES / 4;
const REPORTER = /^[\w.:-]{1,128}$/;

export interface TelemetryReporterOptions {
  readonly send: TelemetrySend;
  readonly clock: Clock;
  readonly random: Random;
  /** The spool directory of this workload's identity; see `useSpool`. */
  readonly directory?: string;
  /** Names this process in what it reports: letters, digits and . _ : -, at most 128, never used before. A UUID when left out. */
  readonly reporter?: string;
  readonly processes?: Processes;
  readonly limits?: SpoolLimits;
  /** Bytes of batches held in memory. */
  readonly memoryBytes?: number;
}

/** Counts of records and refused connections. */
export interface TelemetryCounts {
  readonly recorded: number;
  /** Stored by the control plane; adopted ones included. */
  readonly stored: number;
  /** Called invalid by the control plane. */
  readonly refused: number;
  /** Given up because neither the control plane nor the spool took them in time. */
  readonly dropped: number;
  /** In memory only. */
  readonly inMemory: number;
  /** Durable in this process's spool, not yet stored. */
  readonly inSpool: number;
  /** Left by earlier processes, not yet stored. */
  readonly adopted: number;
}

/**
 * Takes access-log records off the request path to the control plane.
 *
 * Records are collected into a batch, cut every 250 ms or when it is full, and sent in order. Whatever is sent again (after
 * a failure, from the spool, by the next process) carries the same (reporter, sequence), by which the control plane stores
 * it once. While the control plane is away, batches are made durable in the spool. Memory and disk are bounded; what does
 * not fit is dropped, oldest first, and counted.
 *
 * A process that is killed loses what it held in memory: up to 250 ms of records and what is being sent; while the control
 * plane is away, up to 250 ms and one write.
 */
export class TelemetryReporter implements Telemetry {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #processes: Processes | undefined;
  readonly #limits: SpoolLimits;
  readonly #block = new OpenBlock();
  readonly #queue: OutgoingQueue;
  readonly #delivery: Delivery;
  readonly #adopted = new AdoptedSpools();
  readonly #adoptedDelivery: Delivery;
  readonly #waiting = new Set<() => void>();
  #cutTimer: Timer | undefined;
  #adoptTimer: Timer | undefined;
  #stopped = false;
  #sequence = 0n;
  #recorded = 0;
  #hasSpool = false;

  /** @throws RampartError INVALID_ARGUMENT when `reporter` is not of its form. */
  constructor(options: TelemetryReporterOptions) {
    const { clock, random, send, reporter = randomUUID() } = options;
    if (!REPORTER.test(reporter)) {
      throw new RampartError('INVALID_ARGUMENT', 'reporter must be 1 to 128 letters, digits and . _ : -');
    }
    this.#clock = clock;
    this.#name = reporter;
    this.#processes = options.processes;
    this.#limits = options.limits ?? SPOOL_LIMITS;
    this.#queue = new OutgoingQueue(options.memoryBytes ?? MEMORY_BYTES);
    const onChange = (): void => this.#changed();
    this.#delivery = new Delivery({ source: this.#queue, send, clock, random, onChange });
    this.#adoptedDelivery = new Delivery({ source: this.#adopted, send, clock, random });
    if (options.directory !== undefined) this.useSpool([options.directory]);
  }

  /** One that keeps nothing and sends nothing, for a process that is not part of a mesh. */
  static discarding(): TelemetryReporter {
    const clock: Clock = { now: () => 0, after: () => ({ cancel: () => undefined }) };
    return new TelemetryReporter({ clock, random: () => 0, send: () => Promise.resolve() });
  }

  get counts(): TelemetryCounts {
    return {
      recorded: this.#recorded,
      stored: this.#delivery.stored + this.#adoptedDelivery.stored,
      refused: this.#delivery.refused + this.#adoptedDelivery.refused,
      dropped: this.#queue.dropped + this.#adopted.dropped,
      inMemory: this.#queue.inMemory + this.#block.size,
      inSpool: this.#queue.inSpool,
      adopted: this.#adopted.unsent,
    };
  }

  /**
   * From now on, spools to the first of `directories`, and sends what dead processes leave in any of them; to be called once,
   * as soon as the identity is known, when none was given to the constructor. They belong to one identity of one mesh
   * (the control plane stores what is sent under the identity that sends it) and one machine or container.
   */
  useSpool(directories: SpoolPaths): void {
    const spools = new SpoolDirectory(directories, this.#processes ?? localProcesses(process), this.#limits);
    this.#queue.useSpool(spools.create(this.#name));
    this.#hasSpool = true;
    void this.#adopt(spools);
    this.#changed();
  }

  /** Never fails, never waits; keeps no reference to `record`. */
  record(record: RecordInput): void {
    const block = this.#block;
    if (block.isEmpty) this.#cutLater();
    block.append(record);
    this.#recorded++;
    if (block.isFull) this.#cut();
  }

  /** The same for a connection that was refused before any request could be read. */
  refused(event: RefusedConnection): void {
    const block = this.#block;
    if (block.isEmpty) this.#cutLater();
    block.refused(event);
    this.#recorded++;
    if (block.isFull) this.#cut();
  }

  /** Takes over what another thread of this process has collected. */
  collect(collected: Collected): void {
    this.#sequence += 1n;
    const batch = { reporter: this.#name, sequence: this.#sequence, ...collected };
    this.#recorded += itemsOf(batch);
    this.#queue.add(batch);
    this.#delivery.wake();
    this.#spillIfNeeded();
  }

  /** There is reason to believe that the control plane is back: tries again at once. */
  retryNow(): void {
    this.#delivery.retryNow();
    this.#adoptedDelivery.retryNow();
  }

  /**
   * Hands over everything recorded so far: to the control plane or, when it does not take it within `milliseconds`, to
   * the spool. Resolves with the number of records and refused connections that are in neither. Recording may go on.
   */
  async drain(milliseconds: number): Promise<number> {
    this.#cut();
    if (this.#delivery.isAway && this.#hasSpool) await this.#queue.spill();
    this.#delivery.retryNow();
    await this.#delivered(milliseconds);
    if (!this.#queue.isEmpty) await this.#queue.spill();
    return this.#queue.inMemory;
  }

  /** The last chance, for an `exit` handler: writes what is in memory to the spool before it returns. */
  spoolSync(): void {
    this.#cut();
    try {
      this.#queue.spillSync();
    } catch {
      // The process ends here, and its disk does not take it: nobody is left to be told.
    }
  }

  /** Ends all activity; `drain` comes before. What is recorded afterwards is kept for `spoolSync` as far as memory goes. */
  stop(): void {
    this.#stopped = true;
    this.#cutTimer?.cancel();
    this.#adoptTimer?.cancel();
    this.#delivery.stop();
    this.#adoptedDelivery.stop();
  }

  /** Looks for what dead processes left, now and from time to time: neighbours may die later. */
  async #adopt(spools: SpoolDirectory): Promise<void> {
    if (this.#adopted.unsent === 0) this.#adopted.add(await spools.adopt());
    if (this.#stopped) return;
    this.#adoptedDelivery.wake();
    this.#adoptTimer = this.#clock.after(ADOPT_MS, () => void this.#adopt(spools));
  }

  #cutLater(): void {
    this.#cutTimer = this.#clock.after(CUT_MS, () => this.#cut());
  }

  #cut(): void {
    this.#cutTimer?.cancel();
    this.#cutTimer = undefined;
    if (this.#block.isEmpty) return;
    this.#sequence += 1n;
    this.#queue.add({ reporter: this.#name, sequence: this.#sequence, ...this.#block.take() });
    this.#delivery.wake();
    this.#spillIfNeeded();
  }

  #changed(): void {
    this.#spillIfNeeded();
    for (const check of this.#waiting) check();
  }

  #spillIfNeeded(): void {
    if (this.#delivery.isAway || this.#queue.memoryBytes > SPILL_BYTES) void this.#queue.spill();
  }

  /** Resolves when nothing is left to deliver, when delivering fails and there is a spool, or after `milliseconds`. */
  #delivered(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#waiting.delete(check);
        resolve();
      };
      const check = (): void => {
        if (this.#queue.isEmpty || (this.#delivery.isAway && this.#hasSpool)) end();
      };
      const timer = this.#clock.after(milliseconds, end);
      this.#waiting.add(check);
      if (this.#queue.isEmpty) end();
    });
  }
}
