import { itemsOf, sizeOf } from './batch.ts';
import type { ReportBatch } from './batch.ts';
import type { BatchSource } from './batch-source.ts';
import type { Spool } from './spool/spool.ts';

/**
 * What one reporter has still to deliver: the oldest part in the spool, the rest in memory, never more than `limit` bytes
 * of it. A batch leaves memory when it is acknowledged or durable in the spool; when neither happens in time, the oldest
 * one that is not being worked on is dropped and counted.
 */
export class OutgoingQueue implements BatchSource {
  readonly #limit: number;
  readonly #memory: ReportBatch[] = [];
  #memoryBytes = 0;
  #spool: Spool | undefined;
  #spilling: Promise<boolean> | undefined;
  /** Sequence numbers up to these are being sent, or written. */
  #sending = 0n;
  #writing = 0n;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  useSpool(spool: Spool): void {
    this.#spool = spool;
  }

  get isEmpty(): boolean {
    return this.#memory.length === 0 && (this.#spool?.isEmpty ?? true);
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Records and refused connections in memory only. */
  get inMemory(): number {
    return this.#memory.reduce((sum, batch) => sum + itemsOf(batch), 0);
  }

  get inSpool(): number {
    return this.#spool?.unsent ?? 0;
  }

  get dropped(): number {
    return this.#dropped + (this.#spool?.dropped ?? 0);
  }

  add(batch: ReportBatch): void {
    this.#memory.push(batch);
    this.#memoryBytes += sizeOf(batch);
    while (this.#memoryBytes > this.#limit) this.#dropOne();
  }

  async next(): Promise<ReportBatch | undefined> {
    // A batch may go from memory to the spool while the spool is asked: memory counts only while the spool is empty.
    while (this.#spool !== undefined && !this.#spool.isEmpty) {
      const spooled = await this.#spool.next();
      if (spooled !== undefined) return this.#take(spooled);
    }
    return this.#take(this.#memory[0]);
  }

  async acknowledge(batch: ReportBatch): Promise<void> {
    this.#release(batch.sequence);
    await this.#spool?.acknowledge(batch);
  }

  /** Moves everything to the spool; true when all of it is durable there, false when there is no spool or it failed. */
  spill(): Promise<boolean> {
    this.#spilling ??= this.#spillAll().finally(() => {
      this.#spilling = undefined;
    });
    return this.#spilling;
  }

  /** Writes everything to the spool before it returns; for the last moments of a process. Throws when it cannot. */
  spillSync(): void {
    if (this.#spool === undefined) return;
    this.#spool.appendSync(this.#memory);
    this.#release(this.#memory.at(-1)?.sequence ?? 0n);
  }

  async #spillAll(): Promise<boolean> {
    const spool = this.#spool;
    if (spool === undefined) return false;
    for (let last = this.#memory.at(-1); last !== undefined; last = this.#memory.at(-1)) {
      this.#writing = last.sequence;
      try {
        await spool.append([...this.#memory]);
      } catch {
        return false;
      } finally {
        this.#writing = 0n;
      }
      this.#release(last.sequence);
    }
    return true;
  }

  #take(batch: ReportBatch | undefined): ReportBatch | undefined {
    this.#sending = batch?.sequence ?? 0n;
    return batch;
  }

  /** Forgets what is in memory up to `sequence`. */
  #release(sequence: bigint): void {
    const kept = this.#memory.findIndex((batch) => batch.sequence > sequence);
    const released = this.#memory.splice(0, kept === -1 ? this.#memory.length : kept);
    for (const batch of released) this.#memoryBytes -= sizeOf(batch);
  }

  #dropOne(): void {
    const busy = this.#sending > this.#writing ? this.#sending : this.#writing;
    const free = this.#memory.findIndex((batch) => batch.sequence > busy);
    const [dropped] = this.#memory.splice(free, 1);
    if (dropped === undefined) return;
    this.#memoryBytes -= sizeOf(dropped);
    this.#dropped += itemsOf(dropped);
  }
}
